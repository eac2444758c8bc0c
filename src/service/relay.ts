/**
 * The relay: publishes what commits left in the outbox, one lane at a time in order.
 *
 * Each message gets its place (epoch, lane, sequence), fixed in the commit; so a relay that crashes
 * between publishing and trimming publishes the same places again, and consumers count them once.
 *
 * A lane is **idle**; or **working**, under a lease of this relay: it publishes a stretch, notes how
 * far the outbox may be trimmed, and goes on until nothing is left. Stretches come from memory, where
 * the commits of this process hand them over in order; after a start, a failure, or when more waits
 * than memory shall hold, they are read from the store, which has everything. Within a stretch,
 * targets are served side by side, and each in order: what failed is sent again from the first
 * failure on, so no reader meets a later message of the lane before an earlier one (see `Inbox`).
 *
 * Trimming runs beside publishing, one at a time, and covers all that was published meanwhile.
 */

import type { Queues } from "../broker/queues.ts";
import type { Streams } from "../broker/streams.ts";
import { delay } from "../model/clock.ts";
import type { LanePlace } from "../model/envelope.ts";
import type { Environment } from "../model/environment.ts";
import { MillraceError } from "../model/errors.ts";
import type { Header, RawMessage } from "../model/message.ts";
import type { Outcome } from "../model/outcome.ts";
import type { Store } from "../store/store.ts";
import type { OutgoingMessage } from "../store/write-set.ts";
import { backoffMs } from "./failure.ts";

export interface RelayOptions {
  readonly store: Store;
  readonly streams: Streams | undefined;
  readonly queues: Queues | undefined;
  readonly environment: Environment;
  /** Something that a watcher may wait for has changed. */
  readonly changed: () => void;
}

interface Sequenced {
  readonly sequence: number;
  readonly epoch: number;
  readonly outgoing: OutgoingMessage;
}

interface Lane {
  readonly name: string;
  working: boolean;
  /** Committed by this process and not yet taken up; complete from its first on, unless `behind`. */
  buffer: Sequenced[];
  /** The store has messages that are not in the buffer. */
  behind: boolean;
  /** Everything below it is published. */
  published: number;
  /** Everything below it is trimmed. */
  trimmed: number;
  trimming: Promise<void> | undefined;
  leasedUntilMs: number;
}

const STRETCH = 1024;
const BUFFER_MAX = 8192;
const LEASE_MS = 30_000;
const BACKOFF = { backoffMs: 100, backoffMsMax: 10_000 };

export class Relay {
  readonly #options: RelayOptions;
  readonly #owner: string;
  readonly #lanes = new Map<string, Lane>();
  readonly #stop = new AbortController();
  readonly #idleWaiters: (() => void)[] = [];
  #working = 0;
  #publishedCount = 0;
  #trouble: string | undefined;

  constructor(options: RelayOptions) {
    this.#options = options;
    this.#owner = options.environment.ids.newId();
  }

  /** Messages published since the start. */
  get publishedCount(): number {
    return this.#publishedCount;
  }

  /** Whether everything handed over was published and trimmed. */
  get idle(): boolean {
    return this.#working === 0;
  }

  /** Why messages do not get out, where they do not. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  /** Takes up what former processes left. */
  async start(): Promise<void> {
    for (const name of await this.#options.store.pendingLanes()) {
      const lane = this.#lane(name);
      lane.behind = true;
      this.#wake(lane);
    }
  }

  /** A commit put these messages on the lane, at these sequences. */
  committed(
    name: string,
    sequences: { readonly from: number; readonly to: number },
    messages: readonly OutgoingMessage[],
  ): void {
    if (messages.length === 0) return;
    const lane = this.#lane(name);
    const { epoch } = this.#options.store;
    if (messages.length !== sequences.to - sequences.from) lane.behind = true;
    if (lane.buffer.length + messages.length > BUFFER_MAX) {
      lane.behind = true;
      lane.buffer = [];
    }
    if (!lane.behind) {
      messages.forEach((outgoing, index) => {
        lane.buffer.push({ sequence: sequences.from + index, epoch, outgoing });
      });
    }
    this.#wake(lane);
  }

  /** Ends after what is being published now; the rest stays in the outbox. */
  async stop(): Promise<void> {
    this.#stop.abort(new MillraceError("CLOSED", "the service stops"));
    while (this.#working > 0) await new Promise<void>((resolve) => this.#idleWaiters.push(resolve));
  }

  #lane(name: string): Lane {
    let lane = this.#lanes.get(name);
    if (lane === undefined) {
      lane = {
        name,
        working: false,
        buffer: [],
        behind: false,
        published: 0,
        trimmed: 0,
        trimming: undefined,
        leasedUntilMs: -1,
      };
      this.#lanes.set(name, lane);
    }
    return lane;
  }

  #wake(lane: Lane): void {
    if (lane.working || this.#stop.signal.aborted) return;
    lane.working = true;
    this.#working++;
    void this.#work(lane);
  }

  async #work(lane: Lane): Promise<void> {
    let failures = 0;
    while (
      !this.#stop.signal.aborted &&
      (lane.behind || lane.buffer.length > 0 || this.#untrimmed(lane))
    ) {
      try {
        if (await this.#lease(lane)) await this.#stretch(lane);
        failures = 0;
        this.#trouble = undefined;
      } catch (error) {
        if (this.#stop.signal.aborted) break;
        failures++;
        lane.behind = true;
        lane.buffer = [];
        lane.leasedUntilMs = -1;
        await this.#rest(lane, failures, error);
      }
    }
    await lane.trimming?.catch(() => undefined);
    lane.working = false;
    this.#working--;
    for (const resolve of this.#idleWaiters.splice(0)) resolve();
    this.#options.changed();
  }

  async #rest(lane: Lane, failures: number, error: unknown): Promise<void> {
    const { environment } = this.#options;
    const text = error instanceof Error ? error.message : String(error);
    this.#trouble = `lane ${lane.name}: ${text}`;
    environment.log.warn({ lane: lane.name, failures, error: text }, "the relay could not publish");
    this.#options.changed();
    const waitMs = backoffMs(failures, BACKOFF, environment.random);
    await delay(environment.clock, waitMs, this.#stop.signal).catch(() => undefined);
  }

  /** False if another process has the lane; then its messages are not ours to publish for a while. */
  async #lease(lane: Lane): Promise<boolean> {
    const { store, environment } = this.#options;
    const nowMs = environment.clock.monotonic();
    if (nowMs < lane.leasedUntilMs - LEASE_MS / 2) return true;
    if (!(await store.leaseLane(lane.name, this.#owner, LEASE_MS))) {
      lane.behind = true;
      lane.buffer = [];
      await delay(environment.clock, LEASE_MS / 2, this.#stop.signal);
      return false;
    }
    lane.leasedUntilMs = nowMs + LEASE_MS;
    return true;
  }

  async #stretch(lane: Lane): Promise<void> {
    const stretch = lane.behind ? await this.#read(lane) : lane.buffer.splice(0, STRETCH);
    const last = stretch.at(-1);
    if (last !== undefined) {
      await this.#publish(lane.name, stretch);
      lane.published = last.sequence + 1;
      this.#publishedCount += stretch.length;
    }
    this.#trim(lane);
    // Nothing left to publish: the last trim decides whether the lane is done.
    if (!lane.behind && lane.buffer.length === 0) await lane.trimming;
  }

  /** From the store; when that has no more than this, commits may hand over to the buffer again. */
  async #read(lane: Lane): Promise<readonly Sequenced[]> {
    await lane.trimming;
    // What is committed after this line is also handed over, and must not be missed: see below.
    lane.behind = false;
    lane.buffer = [];
    const rows = await this.#options.store.readOutbox(lane.name, STRETCH);
    const stretch: Sequenced[] = [];
    for (const { epoch, firstSequence, messages } of rows) {
      messages.forEach((outgoing, index) => {
        const sequence = firstSequence + index;
        if (sequence >= lane.published) stretch.push({ sequence, epoch, outgoing });
      });
    }
    const last = stretch.at(-1);
    // Handed over while reading: keep what follows, without a hole.
    const follows = last === undefined ? lane.published : last.sequence + 1;
    lane.buffer = lane.buffer.filter(({ sequence }) => sequence >= follows);
    const [next] = lane.buffer;
    if (
      stretch.length >= STRETCH ||
      (next !== undefined && next.sequence !== follows && last !== undefined)
    ) {
      lane.behind = true;
      lane.buffer = [];
    }
    return stretch;
  }

  /** Resolves when all is durable at its targets. */
  async #publish(lane: string, stretch: readonly Sequenced[]): Promise<void> {
    const byTarget = Map.groupBy(
      stretch,
      ({ outgoing: { target } }) => `${target.kind}/${target.name}`,
    );
    const results = await Promise.allSettled(
      [...byTarget.values()].map((messages) => this.#publishTo(lane, messages)),
    );
    const failed = results.find((result) => result.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }

  async #publishTo(lane: string, messages: readonly Sequenced[]): Promise<void> {
    const { environment } = this.#options;
    let left = messages;
    for (let failures = 1; left.length > 0; failures++) {
      let text: string;
      try {
        const outcomes = await this.#send(lane, left);
        const first = outcomes.findIndex((outcome) => !outcome.ok);
        const failure = outcomes[first];
        if (failure === undefined || failure.ok) return;
        left = left.slice(first);
        text = failure.error.message;
      } catch (error) {
        text = error instanceof Error ? error.message : String(error);
      }
      const { kind, name } = left[0]!.outgoing.target;
      this.#trouble = `${kind} ${name}: ${text}`;
      environment.log.warn({ lane, target: name, failures, error: text }, "a target takes nothing");
      this.#options.changed();
      await delay(
        environment.clock,
        backoffMs(failures, BACKOFF, environment.random),
        this.#stop.signal,
      );
    }
  }

  #send(lane: string, messages: readonly Sequenced[]): Promise<readonly Outcome<unknown>[]> {
    const { streams, queues } = this.#options;
    const { kind, name } = messages[0]!.outgoing.target;
    const placed = messages.map(({ outgoing, epoch, sequence }) => ({
      message: withPlace(outgoing.message, { epoch, lane, sequence }),
      ...(outgoing.delayMs !== undefined && { delayMs: outgoing.delayMs }),
    }));
    if (kind === "queue") return requireFace(queues, "queues", name).send(name, placed);
    return requireFace(streams, "streams", name).append(
      name,
      placed.map(({ message }) => message),
    );
  }

  #untrimmed(lane: Lane): boolean {
    return lane.trimmed < lane.published;
  }

  #trim(lane: Lane): void {
    if (lane.trimming !== undefined || !this.#untrimmed(lane)) return;
    const sequence = lane.published;
    lane.trimming = this.#options.store
      .trimOutbox(lane.name, this.#owner, sequence)
      .then(() => {
        lane.trimmed = sequence;
      })
      .finally(() => {
        lane.trimming = undefined;
      });
    // Met again by whoever awaits it, or by the next trim.
    lane.trimming.catch(() => undefined);
  }
}

/** The same message with its place, as the headers of the CloudEvents mapping. */
function withPlace(message: RawMessage, { epoch, lane, sequence }: LanePlace): RawMessage {
  const place: readonly Header[] = [
    ["ce_lane", lane],
    ["ce_laneepoch", String(epoch)],
    ["ce_lanesequence", String(sequence)],
  ];
  return { ...message, headers: [...message.headers, ...place] };
}

function requireFace<Face>(face: Face | undefined, kind: string, name: string): Face {
  if (face !== undefined) return face;
  throw new MillraceError(
    "CAPABILITY_MISSING",
    `the outbox holds messages for "${name}", and no broker with ${kind} is configured; configure one`,
  );
}
