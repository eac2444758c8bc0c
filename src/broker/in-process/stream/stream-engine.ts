/**
 * The streams of one broker: the registry of streams and groups that all its clients share.
 *
 * Changes to the registry (ensure, delete) of one stream run one after another; streams change side by
 * side.
 *
 * Retention looks at the streams when the first record or segment comes of age, and some time after
 * an append, which may have filled a stream. So streams at rest cost next to nothing. Age goes by the
 * wall clock, which may be set: that is noticed within the hour.
 */

import type { Environment } from "../../../model/environment.ts";
import type { Timer } from "../../../model/clock.ts";
import { MillraceError } from "../../../model/errors.ts";
import type { StreamInfo, StreamSpec } from "../../streams.ts";
import { checkStreamSpec } from "../../validate.ts";
import { ChangesByName } from "../changes-by-name.ts";
import { Group } from "./group.ts";
import { LocalStream } from "./local-stream.ts";
import type { StoredStream, StreamStorage } from "./stream-storage.ts";

export interface StreamEngineOptions {
  readonly storage: StreamStorage;
  readonly environment: Environment;
  /** Runs the callback at the end of the present tick. */
  readonly defer: (callback: () => void) => void;
  /** How long after an append retention looks for what may go; it looks no more often. */
  readonly retentionCheckMs: number;
}

const LOOK_MS_MAX = 3_600_000;
/** Streams that are made, changed or removed at one time. */
const CHANGED_TOGETHER = 8;

export class StreamEngine {
  readonly #options: StreamEngineOptions;
  readonly #streams = new Map<string, LocalStream>();
  readonly #groups = new Map<string, Group>();
  readonly #changes = new ChangesByName(CHANGED_TOGETHER);
  #timer: Timer | undefined;
  /** When it fires, by the monotonic clock. */
  #timerMs = Infinity;
  #enforcing = false;
  #closed = false;

  constructor(options: StreamEngineOptions) {
    this.#options = options;
    for (const stored of options.storage.found) this.#add(stored);
    for (const group of options.storage.groups()) this.group(group);
    this.#schedule();
  }

  get streams(): ReadonlyMap<string, LocalStream> {
    return this.#streams;
  }

  get groups(): ReadonlyMap<string, Group> {
    return this.#groups;
  }

  /** Throws UNKNOWN_STREAM. */
  stream(name: string): LocalStream {
    const stream = this.#streams.get(name);
    if (stream !== undefined) return stream;
    throw unknownStream(name);
  }

  /** The group, made where it is missing. */
  group(name: string): Group {
    let group = this.#groups.get(name);
    if (group === undefined) {
      group = new Group(name, this.#options.storage);
      this.#groups.set(name, group);
    }
    return group;
  }

  /** Forgets a group that nobody of this process is in. What it has committed is not touched. */
  dropGroup(name: string): void {
    if (this.#groups.get(name)?.empty === true) this.#groups.delete(name);
  }

  /** From now on the stream is declared in this process: its partitions stay as many as they are. */
  ensure(spec: StreamSpec): Promise<StreamInfo> {
    checkStreamSpec(spec);
    return this.#changes.run(spec.name, async () => {
      const present = this.#streams.get(spec.name);
      if (present === undefined) {
        const stream = await this.#create(spec);
        stream.declared = true;
        return stream.info();
      }
      if (present.partitions !== spec.partitions) {
        throw new MillraceError(
          "STREAM_MISMATCH",
          `${spec.name} has ${present.partitions} partitions and cannot be changed to ${spec.partitions} in place, since keys would move; ask for ${present.partitions}, or copy it to a new stream`,
          {
            details: {
              stream: spec.name,
              partitions: present.partitions,
              asked: spec.partitions,
            },
          },
        );
      }
      present.declared = true;
      const { compaction, settings } = present.spec;
      await this.#configure(present, {
        ...(compaction !== undefined && { compaction }),
        ...(settings !== undefined && { settings }),
        ...spec,
      });
      return present.info();
    });
  }

  /** Makes the stream; false where there is one of the name, which is left as it is. */
  create(spec: StreamSpec): Promise<boolean> {
    checkStreamSpec(spec);
    return this.#changes.run(spec.name, async () => {
      if (this.#streams.has(spec.name)) return false;
      await this.#create(spec);
      return true;
    });
  }

  /**
   * Replaces everything in the stream's spec but its name and its partitions. `next` sees the spec as
   * it is then and may throw. Throws UNKNOWN_STREAM.
   */
  configure(name: string, next: (spec: StreamSpec) => StreamSpec): Promise<void> {
    return this.#changes.run(name, async () => {
      const stream = this.stream(name);
      const spec = { ...next(stream.spec), name, partitions: stream.partitions };
      checkStreamSpec(spec);
      await this.#configure(stream, spec);
    });
  }

  /**
   * Adds partitions: keys move. Throws UNKNOWN_STREAM, BAD_ARGUMENT for no more than there are, and
   * STREAM_MISMATCH where the stream is declared in this process with the number that it has.
   */
  grow(name: string, partitions: number): Promise<void> {
    return this.#changes.run(name, async () => {
      const stream = this.stream(name);
      const spec = { ...stream.spec, partitions };
      checkStreamSpec(spec);
      refuseGrowth(stream, partitions);
      stream.grow(await this.#options.storage.growStream(stream.stored, spec));
      for (const group of this.#groups.values()) group.growStream(stream);
      this.#schedule();
    });
  }

  remove(name: string): Promise<void> {
    return this.#changes.run(name, async () => {
      const stream = this.stream(name);
      const reason = unknownStream(name);
      this.#streams.delete(name);
      stream.end(reason);
      for (const group of this.#groups.values()) await group.dropStream(name, reason);
      await this.#options.storage.removeStream(stream.stored);
    });
  }

  /** Ends every read and fails what waits. Members must have left before. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    await this.#changes.settled();
    const reason = new MillraceError("CLOSED", "the broker was closed; open it again");
    for (const stream of this.#streams.values()) stream.end(reason);
  }

  async #create(spec: StreamSpec): Promise<LocalStream> {
    const stream = this.#add(await this.#options.storage.createStream(spec));
    this.#schedule();
    return stream;
  }

  async #configure(stream: LocalStream, spec: StreamSpec): Promise<void> {
    if (JSON.stringify(stream.spec) === JSON.stringify(spec)) return;
    await this.#options.storage.saveSpec(stream.stored.incarnation, spec);
    stream.configure(spec);
    this.#schedule();
  }

  #add(stored: StoredStream): LocalStream {
    const { storage, environment, defer } = this.#options;
    const { cluster } = storage;
    const { clock } = environment;
    const grown = ({ spec }: LocalStream): void => {
      const { retention, compaction } = spec;
      if (retention !== undefined || compaction !== undefined) this.#lookWithin(0);
    };
    const stream = new LocalStream({ stored, cluster, clock, defer, grown });
    this.#streams.set(stored.spec.name, stream);
    return stream;
  }

  #schedule(): void {
    const dueMs = [...this.#streams.values()].map((stream) => stream.retentionDueMs);
    const firstMs = Math.min(Infinity, ...dueMs);
    if (firstMs < Infinity) this.#lookWithin(firstMs - this.#options.environment.clock.now());
  }

  /** Keeps one timer, for the earliest moment asked, but not before the time between two looks. */
  #lookWithin(ms: number): void {
    if (this.#closed || this.#enforcing) return;
    const { environment, retentionCheckMs } = this.#options;
    const { clock } = environment;
    const waitMs = Math.max(retentionCheckMs, Math.min(ms, LOOK_MS_MAX));
    const timerMs = clock.monotonic() + waitMs;
    if (this.#timerMs <= timerMs) return;
    this.#timer?.cancel();
    this.#timerMs = timerMs;
    this.#timer = clock.after(waitMs, () => void this.#enforceRetention());
  }

  async #enforceRetention(): Promise<void> {
    this.#timerMs = Infinity;
    this.#enforcing = true;
    for (const stream of this.#streams.values()) {
      try {
        await stream.enforceRetention();
      } catch (error) {
        // Old segments stay; the next round tries again, and appends are not concerned.
        const { log } = this.#options.environment;
        log.warn(
          { stream: stream.name, error: String(error) },
          "retention could not remove segments",
        );
      }
    }
    this.#enforcing = false;
    this.#schedule();
  }
}

/** Throws where `partitions` cannot be the stream's next number of partitions. */
export function refuseGrowth(
  { name, partitions: present, declared }: LocalStream,
  partitions: number,
): void {
  if (partitions <= present) {
    throw new MillraceError(
      "BAD_ARGUMENT",
      `${name} has ${present} partitions and can only get more, not ${partitions}`,
      { details: { stream: name, partitions: present, asked: partitions } },
    );
  }
  if (!declared) return;
  throw new MillraceError(
    "STREAM_MISMATCH",
    `${name} is declared in this process with ${present} partitions, and with ${partitions} its keys would move away from what was written of them; copy it to a new stream, or stop the service that declares it and change its declaration with the stream`,
    { details: { stream: name, partitions: present, asked: partitions } },
  );
}

function unknownStream(name: string): MillraceError {
  return new MillraceError(
    "UNKNOWN_STREAM",
    `there is no stream ${name}; see which there are (millrace stream ls), or create it with ensureStream`,
    { details: { stream: name } },
  );
}
