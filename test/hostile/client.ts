/** A Kafka client that can also misbehave: one connection, raw frames, the codec's own messages. */

import { connect as connectSocket, type Socket } from "node:net";
import type { Draft } from "../../src/embedded/kafka/codec/draft.ts";
import { SERVED } from "../../src/embedded/kafka/codec/api-keys.ts";
import { decodeResponse, encodeRequest } from "../../src/embedded/kafka/codec/frames.ts";
import type {
  ApiName,
  Requests,
  Responses,
} from "../../src/embedded/kafka/codec/generated/apis.ts";
import { FrameReader } from "../../src/embedded/kafka/server/frame-reader.ts";

export const HOST = "127.0.0.1";

/** Undefined where the server does not take it. */
export function connect(port: number): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connectSocket({ port, host: HOST, noDelay: true });
    socket.once("error", () => resolve(undefined));
    socket.once("connect", () => resolve(socket));
    socket.on("error", () => undefined);
  });
}

export function requestBytes<Name extends ApiName>(
  api: Name,
  body: Draft<Requests[Name]>,
  {
    version = SERVED[api].max,
    correlationId = 1,
  }: { version?: number; correlationId?: number } = {},
): Buffer {
  return Buffer.concat(encodeRequest(api, version, { correlationId, clientId: "hostile" }, body));
}

/** The request may have been done or not. */
export class HungUp extends Error {
  override readonly name = "HungUp";

  constructor() {
    super("the server hung up");
  }
}

export class Client {
  readonly socket: Socket;
  readonly #reader = new FrameReader(() => 2 ** 30);
  readonly #waiting: { resolve: (frame: Buffer) => void; reject: (error: Error) => void }[] = [];
  #correlationId = 0;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk: Buffer) => {
      for (const frame of this.#reader.push(chunk)) this.#waiting.shift()?.resolve(frame);
    });
    socket.once("close", () => {
      for (const { reject } of this.#waiting.splice(0)) reject(new HungUp());
    });
  }

  static async open(port: number): Promise<Client> {
    const socket = await connect(port);
    if (socket === undefined) throw new Error("the server does not take a healthy client");
    return new Client(socket);
  }

  /** Rejects with HungUp when the server goes before it answers. */
  async ask<Name extends ApiName>(
    api: Name,
    body: Draft<Requests[Name]>,
    version: number = SERVED[api].max,
  ): Promise<Responses[Name]> {
    const correlationId = ++this.#correlationId;
    const answered = this.#next();
    this.socket.write(requestBytes(api, body, { version, correlationId }));
    const { header, body: answer } = decodeResponse(api, version, await answered);
    if (header.correlationId !== correlationId) throw new Error("an answer to another request");
    return answer;
  }

  #next(): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      if (this.socket.destroyed) reject(new HungUp());
      else this.#waiting.push({ resolve, reject });
    });
  }
}
