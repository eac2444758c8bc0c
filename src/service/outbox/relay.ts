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
 * Trimming lags behind on purpose: what is published but not yet trimmed costs nothing but repeats
 * after a crash, and a trim alone is a synced commit that others wait behind. So a busy lane is trimmed
 * beside a commit, which a store may sync together with it; a quiet one after a moment; any lane when
 * much has gathered, and at the stop.
 *
 * What waits for publishing is bounded over all lanes: past the bound commits with further messages wait.
 */

import type { Queues } from "../../broker/queues.ts";
import type { Streams } from "../../broker/streams.ts";
import { delay } from "../../model/clock.ts";
import type { Environment } from "../../model/environment.ts";
import { MillraceError } from "../../model/errors.ts";
import { traced } from "../../model/tracer.ts";
import type { Store } from "../../store/store.ts";
import type { OutgoingMessage } from "../../store/write-set.ts";
import { createLane, type Lane } from "./lane.ts";
import { sendPlaced, stretchFacts, type Sequenced, type Targets } from "./outbox-target.ts";
import { backoffMs, textOf } from "../failure.ts";

export interface RelayOptions {
  readonly store: Store;
  readonly streams: Streams | undefined;
  readonly queues: Queues | undefined;
  readonly environment: Environment;
  /** Something that a watcher may wait for has changed. */
  readonly changed: () => void;
}

const STRETCH = 1024;
/**
 * What is committed and not published, over all lanes, past which commits wait of a lane that has
 * some of it. A lane that has none commits on: a target that takes nothing holds up no other.
 */
const WAITING_MAX = 8192;
const WAITING_BYTES_MAX = 16 * 1024 * 1024;
const TRIM_AFTER_MS = 1000;
/** Beside a commit. */
const TRIM_ALONG_COUNT = 128;
const TRIM_AFTER_COUNT = 4096;
const LEASE_MS = 30_000;
const BACKOFF = { backoffMs: 100, backoffMsMax: 10_000 };

export class Relay {
  readonly #options: RelayOptions;
  readonly #owner: string;
  readonly #lanes = new Map<string, Lane>();
  readonly #stop = new AbortController();
  readonly #waiters: (() => void)[] = [];
  #working = 0;
  #publishedCount = 0;
  #droppedReplies = 0;

  constructor(options: RelayOptions) {
    this.#options = options;
    this.#owner = options.environment.ids.newId();
  }

  /** Messages published since the start. */
  get publishedCount(): number {
    return this.#publishedCount;
  }

  /** Replies dropped since the start, because nobody waits for them any more. */
  get droppedReplies(): number {
    return this.#droppedReplies;
  }

  /** Below which sequence the lane is published, as far as this process knows. */
  publishedOf(name: string): number {
    return this.#lanes.get(name)?.published ?? 0;
  }

  /** Whether everything handed over was published. */
  get idle(): boolean {
    return this.#working === 0;
  }

  /** Why the lane's messages do not get out, where they do not. */
  troubleOf(name: string): string | undefined {
    return this.#lanes.get(name)?.trouble;
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
    lane.known = Math.max(lane.known, sequences.to);
    if (!lane.behind) {
      messages.forEach((outgoing, index) => {
        lane.buffer.push({ sequence: sequences.from + index, epoch, outgoing });
      });
    }
    this.#wake(lane);
  }

  /**
   * A commit of the lane failed and may have taken effect all the same: what it left, if anything,
   * comes before all that is committed after it, so it is looked for in the store.
   */
  doubted(name: string): void {
    const lane = this.#lane(name);
    lane.behind = true;
    lane.buffer.clear();
    this.#wake(lane);
  }

  /** A commit of the lane was just handed to the store. */
  committing(name: string): void {
    const lane = this.#lanes.get(name);
    if (lane !== undefined && lane.published - lane.trimmed >= TRIM_ALONG_COUNT) this.#trim(lane);
  }

  /** Resolves when the lane takes further messages, or the relay stops. */
  async room(name: string): Promise<void> {
    const lane = this.#lane(name);
    while (!this.#stop.signal.aborted && (lane.behind || this.#crowds(lane))) {
      await new Promise<void>((resolve) => this.#waiters.push(resolve));
    }
  }

  /** Whether the lane has some of too much that waits. */
  #crowds(lane: Lane): boolean {
    if (lane.buffer.length === 0) return false;
    let count = 0;
    let bytes = 0;
    for (const { buffer } of this.#lanes.values()) {
      const { unpublished } = buffer;
      count += unpublished.count;
      bytes += unpublished.bytes;
    }
    return count >= WAITING_MAX || bytes >= WAITING_BYTES_MAX;
  }

  /** Resolves when everything that was committed to the lane before is published, or the relay stops. */
  async caughtUp(name: string): Promise<void> {
    const lane = this.#lane(name);
    const { known } = lane;
    while (!this.#stop.signal.aborted && (lane.behind || lane.published < known)) {
      await new Promise<void>((resolve) => this.#waiters.push(resolve));
    }
  }

  /** Ends after what is being published now; the rest stays in the outbox. */
  async stop(): Promise<void> {
    this.#stop.abort(new MillraceError("CLOSED", "the service stops"));
    this.#wakeWaiters();
    while (this.#working > 0) await new Promise<void>((resolve) => this.#waiters.push(resolve));
    await Promise.all([...this.#lanes.values()].map((lane) => this.#trimLast(lane)));
  }

  #lane(name: string): Lane {
    let lane = this.#lanes.get(name);
    if (lane === undefined) {
      lane = createLane(name);
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
    while (!this.#stop.signal.aborted && (lane.behind || lane.buffer.length > 0)) {
      try {
        if (await this.#lease(lane)) await this.#stretch(lane);
        failures = 0;
        lane.trouble = undefined;
      } catch (error) {
        if (this.#stop.signal.aborted) break;
        failures++;
        lane.behind = true;
        lane.buffer.clear();
        lane.leasedUntilMs = -1;
        await this.#rest(lane, failures, error);
      }
    }
    lane.working = false;
    this.#working--;
    this.#wakeWaiters();
    this.#options.changed();
  }

  #wakeWaiters(): void {
    for (const resolve of this.#waiters.splice(0)) resolve();
  }

  async #rest(lane: Lane, failures: number, error: unknown): Promise<void> {
    const { environment } = this.#options;
    const text = textOf(error);
    lane.trouble = text;
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
      lane.buffer.clear();
      await delay(environment.clock, LEASE_MS / 2, this.#stop.signal);
      return false;
    }
    lane.leasedUntilMs = nowMs + LEASE_MS;
    return true;
  }

  async #stretch(lane: Lane): Promise<void> {
    const stretch = lane.behind ? await this.#read(lane) : this.#take(lane);
    const last = stretch.at(-1);
    if (last !== undefined) {
      await traced(
        this.#options.environment.tracer,
        "relay",
        () => stretchFacts(lane.name, stretch),
        () => this.#publish(lane, stretch),
      );
      lane.published = last.sequence + 1;
      lane.buffer.published();
      this.#publishedCount += stretch.length;
    }
    this.#trimSoon(lane);
    this.#wakeWaiters();
  }

  /** From the buffer, without what a read of the store has brought out meanwhile. */
  #take(lane: Lane): readonly Sequenced[] {
    return lane.buffer.take(STRETCH).filter(({ sequence }) => sequence >= lane.published);
  }

  /** From the store; when that has no more than this, commits may hand over to the buffer again. */
  async #read(lane: Lane): Promise<readonly Sequenced[]> {
    // What is committed after this line is also handed over, and must not be missed: see below.
    lane.behind = false;
    lane.buffer.clear();
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
    lane.buffer.dropBelow(follows);
    const next = lane.buffer.first;
    if (
      stretch.length >= STRETCH ||
      (next !== undefined && next.sequence !== follows && last !== undefined)
    ) {
      lane.behind = true;
      lane.buffer.clear();
    }
    return stretch;
  }

  /** Resolves when all is durable at its targets. */
  async #publish(lane: Lane, stretch: readonly Sequenced[]): Promise<void> {
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

  async #publishTo(lane: Lane, messages: readonly Sequenced[]): Promise<void> {
    const { environment } = this.#options;
    let left = messages;
    for (let failures = 1; left.length > 0; failures++) {
      let text: string;
      try {
        const outcomes = await sendPlaced(this.#targets(), lane.name, left);
        const first = outcomes.findIndex((outcome) => !outcome.ok);
        const failure = outcomes[first];
        if (failure === undefined || failure.ok) return;
        left = left.slice(first);
        text = failure.error.message;
      } catch (error) {
        text = textOf(error);
      }
      const { kind, name } = left[0]!.outgoing.target;
      lane.trouble = `${kind} ${name}: ${text}`;
      environment.log.warn(
        { lane: lane.name, target: name, failures, error: text },
        "a target takes nothing",
      );
      this.#options.changed();
      await delay(
        environment.clock,
        backoffMs(failures, BACKOFF, environment.random),
        this.#stop.signal,
      );
    }
  }

  #targets(): Targets {
    const { streams, queues, environment } = this.#options;
    const dropped = (count: number): void => {
      this.#droppedReplies += count;
      environment.log.info({ count }, "replies that nobody waits for were dropped");
    };
    return { streams, queues, nowMs: environment.clock.now(), dropped };
  }

  #trimSoon(lane: Lane): void {
    const untrimmed = lane.published - lane.trimmed;
    if (untrimmed === 0) return;
    if (untrimmed >= TRIM_AFTER_COUNT) this.#trim(lane);
    else
      lane.trimTimer ??= this.#options.environment.clock.after(TRIM_AFTER_MS, () =>
        this.#trim(lane),
      );
  }

  #trim(lane: Lane): void {
    lane.trimTimer?.cancel();
    lane.trimTimer = undefined;
    if (lane.trimming !== undefined || lane.trimmed >= lane.published) return;
    const sequence = lane.published;
    const { store, environment } = this.#options;
    lane.trimming = store
      .trimOutbox(lane.name, this.#owner, sequence)
      .then(
        () => {
          lane.trimmed = sequence;
        },
        (error: unknown) => {
          // Nothing is lost: it is trimmed with what comes next, or after another look at the store.
          lane.leasedUntilMs = -1;
          lane.trimTimer ??= environment.clock.after(TRIM_AFTER_MS, () => {
            lane.trimTimer = undefined;
            lane.behind = true;
            this.#wake(lane);
          });
          environment.log.warn(
            { lane: lane.name, error: textOf(error) },
            "the outbox was not trimmed",
          );
        },
      )
      .finally(() => {
        lane.trimming = undefined;
      });
  }

  async #trimLast(lane: Lane): Promise<void> {
    await lane.trimming;
    this.#trim(lane);
    await lane.trimming;
  }
}
