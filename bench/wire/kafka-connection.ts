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
import { FrameBuffers } from "../../src/embedded/kafka/server/frame-buffers.ts";
import { FrameReader } from "../../src/embedded/kafka/server/frame-reader.ts";

/** Understood by our server, Kafka 4 and kfake alike; topics go by name in all of them. */
export const VERSIONS = {
  Produce: 11,
  Fetch: 12,
  CreateTopics: 7,
  DeleteTopics: 5,
} as const;

export type UsedApi = keyof typeof VERSIONS & ApiName;

/** The driver shares the machine with the server: what it reads goes into memory that is used again. */
const buffers = new FrameBuffers();
const ANSWER_BYTES_MAX = 256 * 1024 * 1024;

interface Waiting {
  readonly resolve: (frame: Buffer) => void;
  readonly reject: (error: Error) => void;
}

export class KafkaConnection {
  private readonly socket: Socket;
  /** The oldest first. */
  private readonly waiting: Waiting[] = [];

  private constructor({ host, port }: BrokerAddress) {
    const frames = new FrameReader(() => ANSWER_BYTES_MAX, buffers);
    const socket = connect({
      port,
      host,
      onread: {
        buffer: () => frames.room(),
        callback: (bytes) => {
          for (const frame of frames.took(bytes)) this.waiting.shift()?.resolve(frame);
          return true;
        },
      },
    });
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on("error", (error) => this.fail(error));
    socket.on("close", () => this.fail(new Error("the server closed the connection")));
  }

  static async open(address: BrokerAddress): Promise<KafkaConnection> {
    const connection = new KafkaConnection(address);
    await once(connection.socket, "connect");
    return connection;
  }

  /**
   * Sends a frame made by `requestFrame`, which must not change before it is answered. `look` is given
   * the answer, whose records are views of memory that is used again when it returns.
   */
  async send<Api extends UsedApi, Result>(
    api: Api,
    frame: Buffer,
    look: (answer: Responses[Api]) => Result,
  ): Promise<Result> {
    const answer = await new Promise<Buffer>((resolve, reject) => {
      this.waiting.push({ resolve, reject });
      this.socket.write(frame);
    });
    const result = look(decodeResponse(api, VERSIONS[api], answer).body);
    buffers.give(answer);
    return result;
  }

  call<Api extends UsedApi>(api: Api, body: Draft<Requests[Api]>): Promise<Responses[Api]> {
    return this.send(api, requestFrame(api, body), (answer) => answer);
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
