/**
 * The server over real sockets on virtual time: with handlers that a test gives it, or whole, with the
 * real ones on a broker whose disk is in memory.
 */

import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import type { Environment } from "../../../model/environment.ts";
import type { TestEnvironment } from "../../../testing/environment.ts";
import { Doorkeeper } from "../../doors/doorkeeper.ts";
import { openTestKafka, type TestKafka } from "../broker-stage.test.ts";
import type { Draft } from "../codec/draft.ts";
import { decodeResponse, encodeRequest } from "../codec/frames.ts";
import type { ApiName, Requests, Responses } from "../codec/generated/apis.ts";
import { createHandlers } from "../handlers/handlers.ts";
import type { Handlers } from "../handlers/handler.ts";
import { Connections } from "./connections.ts";
import { FrameReader } from "./frame-reader.ts";
import {
  CONNECTION_LIMITS,
  DOOR_LIMITS,
  type ConnectionLimits,
  type DoorLimits,
} from "./limits.ts";

export interface ServerStage extends AsyncDisposable {
  readonly kafka: TestKafka;
  readonly environment: TestEnvironment;
  readonly connections: Connections;
  /** Why clients were hung up on. */
  readonly hangUps: string[];
  client(): Promise<StageClient>;
}

export interface StageClient {
  readonly socket: Socket;
  readonly closed: Promise<unknown>;
  send<Name extends ApiName>(api: Name, version: number, body: Draft<Requests[Name]>): void;
  /** Undefined where the connection ends before the answer. One at a time. */
  ask<Name extends ApiName>(
    api: Name,
    version: number,
    body: Draft<Requests[Name]>,
  ): Promise<Responses[Name] | undefined>;
}

export interface ServerStageOptions {
  readonly limits?: Partial<ConnectionLimits>;
  readonly door?: Partial<DoorLimits>;
  /** Stands in front of the handlers. */
  readonly wrap?: (handlers: Handlers) => Handlers;
}

export async function openServerStage({
  limits = {},
  door = {},
  wrap = (handlers) => handlers,
}: ServerStageOptions = {}): Promise<ServerStage> {
  const kafka = await openTestKafka();
  const { environment } = kafka;
  const handlers = wrap(createHandlers(kafka.broker));
  const { connections, hangUps, port, close } = await listen(environment, {
    handlers,
    limits,
    door,
  });
  return {
    kafka,
    environment,
    connections,
    hangUps,
    client: () => openClient(port),
    async [Symbol.asyncDispose]() {
      await close();
      await kafka[Symbol.asyncDispose]();
    },
  };
}

export interface Listening {
  readonly connections: Connections;
  /** Why clients were hung up on. */
  readonly hangUps: string[];
  readonly port: number;
  /** Ends all connections in order, then the port. */
  readonly close: () => Promise<void>;
}

export async function listen(
  environment: Environment,
  {
    handlers,
    limits,
    door,
  }: {
    readonly handlers: Handlers;
    readonly limits: Partial<ConnectionLimits>;
    readonly door: Partial<DoorLimits>;
  },
): Promise<Listening> {
  const hangUps: string[] = [];
  const connections = new Connections({
    handlers,
    environment,
    keeper: new Doorkeeper({}, environment),
    warn: ({ why }) => hangUps.push(String(why)),
    limits: { ...DOOR_LIMITS, ...door },
    connectionLimits: { ...CONNECTION_LIMITS, ...limits },
  });
  const server = createServer((socket) => connections.add(socket));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a listener on a port has such an address
  const { port } = server.address() as AddressInfo;
  return {
    connections,
    hangUps,
    port,
    close: async () => {
      await connections.stop();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A client's end of a connection, whose errors are seen as its end. */
export async function connectTo(port: number): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1" });
  socket.on("error", () => undefined);
  await once(socket, "connect");
  return socket;
}

async function openClient(port: number): Promise<StageClient> {
  const socket = await connectTo(port);
  const closed = once(socket, "close");
  const reader = new FrameReader(() => 2 ** 30);
  const send: StageClient["send"] = (api, version, body) => {
    const header = { correlationId: 1, clientId: null };
    socket.write(Buffer.concat(encodeRequest(api, version, header, body)));
  };
  return {
    socket,
    closed,
    send,
    async ask(api, version, body) {
      send(api, version, body);
      const frame = await new Promise<Buffer | undefined>((resolve) => {
        const take = (chunk: Buffer): void => {
          for (const whole of reader.push(chunk)) resolve(whole);
        };
        socket.on("data", take);
        void closed.then(() => resolve(undefined));
      });
      socket.removeAllListeners("data");
      return frame && decodeResponse(api, version, frame).body;
    },
  };
}

/** Lets sockets, disk and promises go on. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
