/**
 * The streams of one broker: the registry of streams and groups that all its clients share.
 *
 * Changes to the registry (ensure, delete) run one after another. Retention is driven by a timer
 * that runs only while some stream asks for it.
 */

import type { Environment } from "../../../model/environment.ts";
import type { Timer } from "../../../model/clock.ts";
import { MillraceError } from "../../../model/errors.ts";
import type { StreamInfo, StreamSpec } from "../../streams.ts";
import { checkStreamSpec } from "../../validate.ts";
import { Group } from "./group.ts";
import { LocalStream } from "./local-stream.ts";
import type { StoredStream, StreamStorage } from "./stream-storage.ts";

export interface StreamEngineOptions {
  readonly storage: StreamStorage;
  readonly environment: Environment;
  /** Runs the callback at the end of the present tick. */
  readonly defer: (callback: () => void) => void;
  /** How often retention looks for what may go. */
  readonly retentionCheckMs: number;
}

export class StreamEngine {
  readonly #options: StreamEngineOptions;
  readonly #streams = new Map<string, LocalStream>();
  readonly #groups = new Map<string, Group>();
  #changes: Promise<unknown> = Promise.resolve();
  #timer: Timer | undefined;
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

  ensure(spec: StreamSpec): Promise<StreamInfo> {
    checkStreamSpec(spec);
    return this.#change(async () => {
      const present = this.#streams.get(spec.name);
      if (present === undefined) {
        const stream = this.#add(await this.#options.storage.createStream(spec));
        this.#schedule();
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
      if (JSON.stringify(present.spec) !== JSON.stringify(spec)) {
        await this.#options.storage.saveSpec(present.stored.incarnation, spec);
        present.configure(spec);
        this.#schedule();
      }
      return present.info();
    });
  }

  remove(name: string): Promise<void> {
    return this.#change(async () => {
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
    await this.#changes;
    const reason = new MillraceError("CLOSED", "the broker was closed; open it again");
    for (const stream of this.#streams.values()) stream.end(reason);
  }

  #add(stored: StoredStream): LocalStream {
    const { storage, environment, defer } = this.#options;
    const { cluster } = storage;
    const stream = new LocalStream({ stored, cluster, clock: environment.clock, defer });
    this.#streams.set(stored.spec.name, stream);
    return stream;
  }

  #change<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#changes.then(work);
    this.#changes = result.catch(() => {});
    return result;
  }

  #schedule(): void {
    if (this.#timer !== undefined || this.#closed) return;
    const asked = [...this.#streams.values()].some(({ spec }) => spec.retention !== undefined);
    if (!asked) return;
    const { environment, retentionCheckMs } = this.#options;
    this.#timer = environment.clock.after(retentionCheckMs, () => {
      void this.#enforceRetention();
    });
  }

  async #enforceRetention(): Promise<void> {
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
    this.#timer = undefined;
    this.#schedule();
  }
}

export function unknownStream(name: string): MillraceError {
  return new MillraceError(
    "UNKNOWN_STREAM",
    `there is no stream ${name}; create it with ensureStream, or look at the list of streams`,
    { details: { stream: name } },
  );
}
