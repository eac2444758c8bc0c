/** One connection to a Kafka server, whose requests are answered in their order. */

import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { BrokerAddress } from "../../scripts/brokers/broker.ts";
import { decodeResponse, encodeRequest } from "../../src/embedded/kafka/codec/frames.ts";
import type { Draft } from "../../src/embedded/kafka/codec/draft.ts";
import type {
  ApiName,
  Requests,
  Responses,
} from "../../src/embedded/kafka/codec/generated/apis.ts";
import { FrameReader } from "../../src/embedded/kafka/server/frame-reader.ts";

/** Understood by our server, Kafka 4 and kfake alike; topics go by name in all of them. */
export const VERSIONS = {
  Produce: 11,
  Fetch: 12,
  CreateTopics: 7,
  DeleteTopics: 5,
} as const;

export type UsedApi = keyof typeof VERSIONS & ApiName;

const ANSWER_BYTES_MAX = 256 * 1024 * 1024;

interface Waiting {
  readonly resolve: (frame: Buffer) => void;
  readonly reject: (error: Error) => void;
}

export class KafkaConnection {
  private readonly socket: Socket;
  private readonly frames = new FrameReader(() => ANSWER_BYTES_MAX);
  /** The oldest first. */
  private readonly waiting: Waiting[] = [];

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (chunk: Buffer) => {
      for (const frame of this.frames.push(chunk)) this.waiting.shift()?.resolve(frame);
    });
    socket.on("error", (error) => this.fail(error));
    socket.on("close", () => this.fail(new Error("the server closed the connection")));
  }

  static async open({ host, port }: BrokerAddress): Promise<KafkaConnection> {
    const socket = connect(port, host);
    await once(socket, "connect");
    return new KafkaConnection(socket);
  }

  /** Sends a frame made by `requestFrame`, which must not change before it is answered. */
  send(frame: Buffer): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ resolve, reject });
      this.socket.write(frame);
    });
  }

  async call<Api extends UsedApi>(api: Api, body: Draft<Requests[Api]>): Promise<Responses[Api]> {
    return answerIn(api, await this.send(requestFrame(api, body)));
  }

  close(): void {
    this.socket.destroy();
  }

  private fail(error: Error): void {
    for (const { reject } of this.waiting.splice(0)) reject(error);
  }
}

export function requestFrame<Api extends UsedApi>(api: Api, body: Draft<Requests[Api]>): Buffer {
  const header = { correlationId: 1, clientId: "bench" };
  return Buffer.concat(encodeRequest(api, VERSIONS[api], header, body));
}

export function answerIn<Api extends UsedApi>(api: Api, frame: Buffer): Responses[Api] {
  return decodeResponse(api, VERSIONS[api], frame).body;
}
