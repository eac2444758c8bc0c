/**
 * Publishing from outside of parts: from an HTTP route, a script, a test. Drafts are checked and
 * stamped at once, gather with others for the same channel, and are sent together.
 *
 * Without settings, what comes in the same moment or while one send is out goes with the next one: a
 * single message waits for nothing, and many share a sync. `maxMs` makes the first of a batch wait
 * for company; a batch that is full goes at once.
 */

import { textOf } from "./failure.ts";
import type { Queues } from "../broker/queues.ts";
import type { Streams } from "../broker/streams.ts";
import type { Timer } from "../model/clock.ts";
import type { Environment } from "../model/environment.ts";
import { isMillraceError, MillraceError } from "../model/errors.ts";
import type { Draft } from "../model/message.ts";
import type { Outcome } from "../model/outcome.ts";
import type { Tracer } from "../model/tracer.ts";
import { type Channel, isSubscription } from "../schema/declaration.ts";
import type { OutgoingMessage } from "../store/write-set.ts";
import { encodeToken } from "./ask/position-token.ts";
import { sizeOf } from "./message-reader.ts";
import { MessageStamper, type Stamp } from "./message-stamper.ts";

/** When a batch is sent: as soon as any of these is reached. */
export interface BatchSettings {
  /** How long the first message may wait for others; 0 unless said: not at all. */
  readonly maxMs?: number;
  readonly maxCount?: number;
  readonly maxBytes?: number;
}

export interface PublisherOptions {
  /** Stands as source in every envelope: the service, or what publishes in its stead. */
  readonly source: string;
  readonly channels: readonly Channel[];
  /** The service that owns each stream; others may not publish there. */
  readonly owners?: ReadonlyMap<string, string>;
  readonly streams: Streams | undefined;
  readonly queues: Queues | undefined;
  readonly environment: Environment;
  readonly batch?: BatchSettings;
}

export interface PublishOptions extends Stamp {
  /** Needed only where several channels carry the type. */
  readonly to?: OutgoingMessage["target"];
  /** Queues only: not to be delivered before so many milliseconds from now. */
  readonly delayMs?: number;
}

export interface Published {
  readonly id: string;
  readonly target: OutgoingMessage["target"];
  /** Streams only. */
  readonly partition?: number;
  readonly offset?: number;
  /** Streams only: reads that are given it see the message. */
  readonly token?: string;
  /** Queues only. */
  readonly sequence?: number;
  /** The same id was published before, within the channel's window. */
  readonly duplicate: boolean;
}

export interface Publisher {
  /**
   * Resolves when every draft is durable or has failed; one that fails keeps no other back. Per item:
   * BAD_PAYLOAD naming the field, UNKNOWN_TYPE, TOO_LARGE, NOT_ALLOWED for a stream of another
   * service, OVERLOADED, and what the broker says.
   */
  publish(
    drafts: readonly Draft[],
    options?: PublishOptions,
  ): Promise<readonly Outcome<Published>[]>;
  /** Resolves when everything published so far was sent or has failed; then nothing is taken. */
  close(): Promise<void>;
}

interface Item {
  readonly outgoing: OutgoingMessage;
  readonly bytes: number;
  readonly settle: (outcome: Outcome<Omit<Published, "id" | "target">>) => void;
}

interface Buffer {
  readonly target: OutgoingMessage["target"];
  items: Item[];
  bytes: number;
  timer: Timer | undefined;
  sending: Promise<void> | undefined;
}

const BATCH: Required<BatchSettings> = { maxMs: 0, maxCount: 1000, maxBytes: 4 * 1024 * 1024 };
/** What waits in one publisher, over all channels. */
const WAITING_BYTES_MAX = 64 * 1024 * 1024;

export function createPublisher(options: PublisherOptions): Publisher {
  const { source, owners, streams, queues, environment } = options;
  // A subscription takes nothing but what its stream or a router feeds it.
  const channels = options.channels.filter((channel) => !isSubscription(channel));
  const batch = { ...BATCH, ...options.batch };
  const stamper = new MessageStamper({ source, who: source, channels, environment });
  const buffers = new Map<string, Buffer>();
  let waitingBytes = 0;
  let closed = false;

  const send = async (buffer: Buffer, items: readonly Item[]): Promise<void> => {
    const { kind, name } = buffer.target;
    const face = kind === "queue" ? queues : streams;
    const reply = await (
      face === undefined
        ? Promise.reject(noBroker(kind, name))
        : kind === "queue"
          ? queues!.send(
              name,
              items.map(({ outgoing: { message, delayMs } }) => ({
                message,
                ...(delayMs !== undefined && { delayMs }),
              })),
            )
          : streams!.append(
              name,
              items.map(({ outgoing }) => outgoing.message),
            )
    ).catch((error: unknown) => {
      const failed = { ok: false as const, error: asMillraceError(error) };
      return items.map(() => failed);
    });
    items.forEach((item, index) => item.settle(reply[index]!));
  };

  const flush = (buffer: Buffer): void => {
    if (buffer.sending !== undefined || buffer.items.length === 0) return;
    buffer.timer?.cancel();
    buffer.timer = undefined;
    let count = 0;
    let bytes = 0;
    while (count < buffer.items.length && count < batch.maxCount) {
      if (count > 0 && bytes + buffer.items[count]!.bytes > batch.maxBytes) break;
      bytes += buffer.items[count++]!.bytes;
    }
    const items = buffer.items.splice(0, count);
    buffer.bytes -= bytes;
    buffer.sending = send(buffer, items).finally(() => {
      waitingBytes -= bytes;
      buffer.sending = undefined;
      schedule(buffer);
    });
  };

  const schedule = (buffer: Buffer): void => {
    if (buffer.items.length === 0 || buffer.sending !== undefined) return;
    const full = buffer.items.length >= batch.maxCount || buffer.bytes >= batch.maxBytes;
    if (full || batch.maxMs === 0 || closed) flush(buffer);
    else
      buffer.timer ??= environment.clock.after(batch.maxMs, () => {
        buffer.timer = undefined;
        flush(buffer);
      });
  };

  const enqueue = (
    outgoing: OutgoingMessage,
  ): Promise<Outcome<Omit<Published, "id" | "target">>> => {
    const bytes = sizeOf(outgoing.message);
    if (waitingBytes + bytes > WAITING_BYTES_MAX)
      return Promise.resolve({ ok: false, error: overloaded() });
    waitingBytes += bytes;
    const { target } = outgoing;
    const address = `${target.kind}/${target.name}`;
    let buffer = buffers.get(address);
    if (buffer === undefined) {
      buffer = { target, items: [], bytes: 0, timer: undefined, sending: undefined };
      buffers.set(address, buffer);
    }
    const into = buffer;
    return new Promise((settle) => {
      into.items.push({ outgoing, bytes, settle });
      into.bytes += bytes;
      // A moment later, so that what is published in this one goes along.
      if (into.items.length === 1) queueMicrotask(() => schedule(into));
      else if (into.items.length >= batch.maxCount) schedule(into);
    });
  };

  const publishOne = async (draft: Draft, how: PublishOptions): Promise<Outcome<Published>> => {
    try {
      if (closed) throw new MillraceError("CLOSED", "the publisher was closed; open the app anew");
      const { to, delayMs, id = environment.ids.newId(), ...stamp } = how;
      const outgoing = stamper.stamp(draft, { id, ...stamp }, to);
      const { target } = outgoing;
      refuseForeign(target);
      const outcome = await enqueue({ ...outgoing, ...(delayMs !== undefined && { delayMs }) });
      return outcome.ok ? { ok: true, value: published(id, target, outcome.value) } : outcome;
    } catch (error) {
      return { ok: false, error: asMillraceError(error) };
    }
  };

  /** The message carries the context of its span, which is a child of the one given, or of the active one. */
  const publishTraced = async (
    tracer: Tracer,
    draft: Draft,
    how: PublishOptions,
  ): Promise<Outcome<Published>> => {
    const span = tracer.start(`publish ${draft.type}`, {
      kind: "producer",
      ...(how.trace !== undefined && { parent: how.trace }),
      attributes: {
        "messaging.system": "millrace",
        "messaging.operation.type": "send",
        "millrace.service": source,
      },
    });
    const outcome = await publishOne(draft, { ...how, trace: span.context });
    span.end(outcome.ok ? undefined : outcome.error);
    return outcome;
  };

  const refuseForeign = ({ kind, name }: OutgoingMessage["target"]): void => {
    const owner = kind === "stream" ? owners?.get(name) : undefined;
    if (owner === undefined || owner === source) return;
    throw new MillraceError(
      "NOT_ALLOWED",
      `stream "${name}" is owned by the service "${owner}"; send it a command instead of publishing there as "${source}"`,
      { details: { stream: name, owner } },
    );
  };

  return {
    publish: (drafts, how = {}) => {
      if (how.id !== undefined && drafts.length > 1) {
        throw new MillraceError(
          "BAD_ARGUMENT",
          "one id was given for several drafts; publish them one by one",
        );
      }
      const { tracer } = environment;
      return Promise.all(
        drafts.map((draft) =>
          tracer === undefined ? publishOne(draft, how) : publishTraced(tracer, draft, how),
        ),
      );
    },
    close: async () => {
      closed = true;
      for (const buffer of buffers.values()) {
        schedule(buffer);
        while (buffer.sending !== undefined) await buffer.sending;
      }
    },
  };
}

/** Few ask for the token, so it is made when it is asked for. */
function published(
  id: string,
  target: Published["target"],
  answer: Omit<Published, "id" | "target">,
): Published {
  const { partition, offset } = answer;
  const value = { id, target, ...answer };
  if (partition === undefined || offset === undefined) return value;
  const place = { kind: "record", stream: target.name, partition, offset } as const;
  return Object.defineProperty(value, "token", { get: () => encodeToken([place]) });
}

function overloaded(): MillraceError {
  return new MillraceError(
    "OVERLOADED",
    `${WAITING_BYTES_MAX} bytes wait to be published; wait for earlier publishes before making more`,
  );
}

function noBroker(kind: string, name: string): MillraceError {
  return new MillraceError(
    "CAPABILITY_MISSING",
    `"${name}" is a ${kind}, and no broker with ${kind}s is configured; configure one`,
  );
}

function asMillraceError(error: unknown): MillraceError {
  if (isMillraceError(error)) return error;
  if (error instanceof Error && error.name === "InvariantBroken") throw error;
  return new MillraceError("BAD_PAYLOAD", `the message could not be made: ${textOf(error)}`, {
    cause: error,
  });
}
