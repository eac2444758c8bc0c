/** An AMQP door on a disk in memory with virtual time, and rhea as its client over real sockets. */

/* oxlint-disable typescript/no-unsafe-type-assertion -- tests look inside rhea, where its types tell clients less */

import { once } from "node:events";
import type { Socket } from "node:net";
import rhea, { type Connection, type Delivery, type EventContext, type Message } from "rhea";
import { LocalQueues } from "../../broker/in-process/queue/local-queues.ts";
import { QueueEngine } from "../../broker/in-process/queue/queue-engine.ts";
import { StreamEngine } from "../../broker/in-process/stream/stream-engine.ts";
import type { Access } from "../../broker/doors.ts";
import { type BrokerCapabilities, NATIVE } from "../../broker/capabilities.ts";
import type { Queues } from "../../broker/queues.ts";
import { createTestEnvironment, type TestEnvironment } from "../../testing/environment.ts";
import { openBrokerDirectory } from "../broker-directory.ts";
import { Doorkeeper } from "../doors/doorkeeper.ts";
import type { Engine } from "../engine.ts";
import { createMemoryDisk, type MemoryDisk } from "../log/open-log.ts";
import { openDiskQueues } from "../queue/disk-queues.ts";
import { JOURNAL_LIMITS } from "../queue/journal-limits.ts";
import { openDiskStreams } from "../stream/disk-streams.ts";
import type { OpenDoor } from "../doors/open-door.ts";
import { type AmqpDoorAccess, openAmqpDoor } from "./amqp-door.ts";
import type { AmqpBehaviour } from "./settings.ts";

export interface AmqpStage extends AsyncDisposable {
  readonly engine: Engine;
  readonly environment: TestEnvironment;
  readonly queues: Queues;
  readonly port: number;
  connect(options?: ClientOptions): Promise<AmqpClient>;
  /** Closes door and engine, and opens them again on the same disk; clients are cut off before, or told. */
  restart(options?: { readonly tells: boolean }): Promise<void>;
}

export interface StageOptions extends AmqpDoorAccess, Access {
  readonly behaviour?: Partial<AmqpBehaviour>;
}

interface ClientOptions {
  readonly container?: string;
  readonly user?: string;
  readonly password?: string;
  readonly maxFrameSize?: number;
  /** Of sign-in, by their names, instead of rhea's own. */
  readonly mechanisms?: object;
}

export async function openAmqpStage(options: StageOptions = {}): Promise<AmqpStage> {
  const disk = createMemoryDisk();
  let opened = await openDoor(disk, options);
  const clients = new Set<AmqpClient>();
  const close = async (tells = false): Promise<void> => {
    if (!tells) for (const client of clients) client.drop();
    clients.clear();
    await opened.close();
  };
  return {
    get engine() {
      return opened.engine;
    },
    get environment() {
      return opened.environment;
    },
    get queues() {
      return opened.queues;
    },
    get port() {
      return opened.door.port;
    },
    async connect(clientOptions = {}) {
      const client = new AmqpClient(opened.door.port, clientOptions);
      clients.add(client);
      await client.opened;
      return client;
    },
    async restart({ tells } = { tells: false }) {
      const startMs = opened.environment.clock.now();
      await close(tells);
      opened = await openDoor(disk, options, startMs);
    },
    [Symbol.asyncDispose]: () => close(),
  };
}

interface Opened {
  readonly engine: Engine;
  readonly environment: TestEnvironment;
  readonly queues: Queues;
  readonly door: OpenDoor;
  close(): Promise<void>;
}

async function openDoor(
  disk: MemoryDisk,
  options: StageOptions,
  startMs?: number,
): Promise<Opened> {
  const environment = createTestEnvironment(startMs === undefined ? {} : { startMs });
  const data = await openBrokerDirectory(environment, {
    directory: "/data",
    freeBytesMin: 0,
    disk,
    lock: () => ({ release: () => {} }),
  });
  const segmentBytesMax = 1024 * 1024;
  const defer = (callback: () => void): void => process.nextTick(callback);
  const streamStorage = await openDiskStreams(data, { ids: environment.ids, segmentBytesMax });
  const storage = await openDiskQueues(data, {
    environment,
    segmentBytesMax,
    limits: JOURNAL_LIMITS,
  });
  const engine: Engine = {
    environment,
    cluster: data.cluster,
    directory: "/data",
    freeBytes: () => Promise.resolve(Infinity),
    streams: new StreamEngine({
      storage: streamStorage,
      environment,
      defer,
      retentionCheckMs: 10_000,
    }),
    streamStorage,
    queues: await QueueEngine.open({
      storage,
      clock: environment.clock,
      report: environment.log,
      defer,
    }),
    state: data.state,
  };
  const keeper = new Doorkeeper(options, environment);
  const door = await openAmqpDoor(engine, { port: 0, ...options.behaviour }, keeper, {
    // Who has to wait for its turn would wait for time that stands still.
    limits: { turnMax: Infinity, ...options.limits },
  });
  const queues = new LocalQueues(engine.queues, CAPABILITIES);
  return {
    engine,
    environment,
    queues,
    door,
    async close() {
      // Connections that do not end by themselves are cut off by a timer.
      const closed = door.close();
      void environment.clock.advance(5_000);
      await closed;
      await queues.close();
      await Promise.all([engine.streams.close(), engine.queues.close()]);
      await streamStorage.close();
      await data.close();
    },
  };
}

const CAPABILITIES = {
  adapter: "embedded",
  levels: new Proxy({}, { get: () => NATIVE }),
} as BrokerCapabilities;

export interface Received {
  readonly message: Message;
  readonly delivery: Delivery;
}

/** A condition with its text, as a client is told it. */
export interface Told {
  readonly condition: string;
  readonly description: string;
}

/** rhea as a client, with promises where tests wait. */
export class AmqpClient {
  readonly opened: Promise<void>;
  readonly connection: Connection;
  readonly ended: Promise<Told | undefined>;

  constructor(
    port: number,
    { container, user, password, maxFrameSize, mechanisms }: ClientOptions,
  ) {
    const client = rhea.create_container({ id: container ?? `client-${port}-${nextClient++}` });
    // rhea throws what nobody hears.
    for (const name of ["error", "protocol_error", "connection_error", "disconnected"]) {
      client.on(name, () => {});
    }
    this.connection = client.connect({
      port,
      host: "127.0.0.1",
      reconnect: false,
      ...(user !== undefined && { username: user }),
      ...(password !== undefined && { password }),
      ...(maxFrameSize !== undefined && { max_frame_size: maxFrameSize }),
      ...(mechanisms !== undefined && { sasl_mechanisms: mechanisms }),
    });
    this.opened = new Promise((resolve, reject) => {
      this.connection.once("connection_open", () => resolve());
      const refuse = ({ error }: EventContext): void => {
        reject(error instanceof Error ? error : new Error("disconnected"));
      };
      client.once("connection_error", refuse);
      client.once("disconnected", refuse);
    });
    this.ended = new Promise((resolve) => {
      client.once("connection_error", ({ connection }) => resolve(connection.error as Told));
      client.once("disconnected", () => resolve(undefined));
    });
    this.opened.catch(() => {});
  }

  /** Resolves when the link is attached; rejects where it is refused. */
  async sender(target: unknown, options: object = {}): Promise<AmqpSender> {
    const link = this.connection.open_sender({ ...options, target } as never);
    await attached(link, "sender");
    const sender = new AmqpSender(link);
    if (!link.sendable()) await once(link, "sendable");
    return sender;
  }

  async receiver(source: unknown, options: object = {}): Promise<AmqpReceiver> {
    const link = this.connection.open_receiver({
      credit_window: 0,
      autoaccept: false,
      ...options,
      source,
    } as never);
    const receiver = new AmqpReceiver(link);
    await attached(link, "receiver");
    return receiver;
  }

  async close(): Promise<void> {
    const closed = once(this.connection, "connection_close");
    this.connection.close();
    await closed;
  }

  /** As when the network is lost: this side hears of it, too. */
  cut(): void {
    const { socket } = this.connection as unknown as { readonly socket: Socket };
    // rhea does not listen for a mere close.
    socket.destroy(new Error("the network is lost"));
  }

  /** As when the process dies. */
  drop(): void {
    const inner = this.connection as unknown as {
      readonly socket: { destroy(): void };
      readonly heartbeat_out?: NodeJS.Timeout;
      socket_ready: boolean;
    };
    inner.socket_ready = false;
    inner.socket.destroy();
    // rhea does not hear of it, and its heartbeat would keep the process for a minute.
    clearTimeout(inner.heartbeat_out);
  }
}

let nextClient = 0;

type Link = ReturnType<Connection["open_sender"]> | ReturnType<Connection["open_receiver"]>;

function attached(link: Link, kind: "sender" | "receiver"): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (): void => reject(asError(link.error as unknown as Told | undefined));
    link.once(`${kind}_error`, fail);
    link.once(`${kind}_open`, () => {
      // A refused attach is answered without the terminus, and its end follows.
      const terminus: unknown = kind === "sender" ? link.target : link.source;
      const isThere =
        typeof terminus === "object" && terminus !== null && "expiry_policy" in terminus;
      if (isThere) resolve();
    });
  });
}

function asError(told: Told | undefined): Error & Told {
  return Object.assign(new Error(told?.description ?? "detached"), {
    condition: told?.condition ?? "",
    description: told?.description ?? "",
  });
}

export class AmqpSender {
  readonly link: ReturnType<Connection["open_sender"]>;
  readonly #waiting = new Map<Delivery, (outcome: string) => void>();

  constructor(link: ReturnType<Connection["open_sender"]>) {
    this.link = link;
    for (const name of ["accepted", "released", "rejected", "modified"]) {
      link.on(name, ({ delivery }: EventContext) => {
        const error = (delivery?.remote_state as { error?: Told } | undefined)?.error;
        this.#waiting.get(delivery!)?.(error === undefined ? name : error.condition);
      });
    }
  }

  /** The outcome's name, or the condition of a rejection. */
  send(message: Message | Buffer, format?: number): Promise<string> {
    const delivery = this.link.send(
      message,
      undefined,
      format ?? (Buffer.isBuffer(message) ? 0 : undefined),
    );
    return new Promise((resolve) => this.#waiting.set(delivery, resolve));
  }
}

export class AmqpReceiver {
  readonly link: ReturnType<Connection["open_receiver"]>;
  readonly #received: Received[] = [];
  readonly #waiting: ((received: Received) => void)[] = [];

  constructor(link: ReturnType<Connection["open_receiver"]>) {
    this.link = link;
    link.on("message", ({ message, delivery }: EventContext) => {
      const received = { message: message!, delivery: delivery! };
      const waiter = this.#waiting.shift();
      if (waiter === undefined) this.#received.push(received);
      else waiter(received);
    });
  }

  /** What came and nobody took yet. */
  get buffered(): number {
    return this.#received.length;
  }

  /** Gives credit for one more, and waits for it. */
  async next(): Promise<Received> {
    this.link.add_credit(1);
    return this.take();
  }

  /** Waits for a message for which there is credit already. */
  take(): Promise<Received> {
    const received = this.#received.shift();
    if (received !== undefined) return Promise.resolve(received);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** All that is there now, up to so many, by giving credit that is to be used or given back. */
  async drain(count: number): Promise<Received[]> {
    const drained = once(this.link, "receiver_drained");
    this.link.add_credit(count);
    this.link.drain_credit();
    await drained;
    (this.link as unknown as { drain: boolean }).drain = false;
    return this.#received.splice(0);
  }

  async close(): Promise<void> {
    const closed = once(this.link, "receiver_close");
    this.link.close();
    await closed;
  }

  async detach(): Promise<void> {
    const closed = once(this.link, "receiver_close");
    this.link.detach();
    await closed;
  }
}
