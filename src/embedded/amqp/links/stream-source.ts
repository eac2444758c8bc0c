/**
 * A stream as the source of a link that keeps nothing: what is appended from then on, or from a place that
 * the client names. Each partition is read by a loop of its own, which holds back a record until it is
 * asked for; so a slow client slows the reading.
 *
 * A stream remembers nothing of its readers: every outcome is taken, and none changes anything.
 */

import type { LocalStream } from "../../../broker/in-process/stream/local-stream.ts";
import { readPartition } from "../../../broker/in-process/stream/read-partition.ts";
import type { StreamRecord } from "../../../broker/streams.ts";
import type { Clock } from "../../../model/clock.ts";
import type { RawMessage } from "../../../model/message.ts";
import type { StartAt } from "../../../model/position.ts";
import { refusalOf } from "../protocol/conditions.ts";
import { longValue, timestampValue, uintValue } from "../protocol/value-writer.ts";
import { writeMessage } from "../message/outgoing-message.ts";
import type { Item, LinkSource, Sink } from "./link-source.ts";

export interface StreamSourceOptions {
  readonly stream: LocalStream;
  readonly from: StartAt;
  readonly chooses: (message: RawMessage) => boolean;
  readonly clock: Clock;
  readonly sink: Sink;
}

export class StreamSource implements LinkSource {
  readonly #options: StreamSourceOptions;
  readonly #stop = new AbortController();
  /** Where each loop is: the offset of the next record to look at. */
  readonly #next: number[] = [];
  /** Loops that hold records back, to be told how many they may give. */
  readonly #waiting: ((count: number) => void)[] = [];
  #wanted = 0;

  constructor(options: StreamSourceOptions) {
    this.#options = options;
    for (let partition = 0; partition < options.stream.partitions; partition++) {
      this.#next.push(0);
      void this.#run(partition);
    }
  }

  want(count: number): void {
    this.#wanted = count;
    if (count === 0) return;
    const resume = this.#waiting.shift();
    if (resume === undefined) return;
    this.#wanted = 0;
    resume(count);
  }

  get exhausted(): boolean {
    const { stream } = this.#options;
    return this.#next.every((next, partition) => next >= stream.log(partition).visibleEnd);
  }

  close(): void {
    this.#stop.abort();
    for (const resume of this.#waiting.splice(0)) resume(0);
  }

  async #run(partition: number): Promise<void> {
    const { stream, from, chooses, sink } = this.#options;
    try {
      const offset = await stream.resolve(partition, from);
      this.#next[partition] = offset;
      if (this.exhausted) sink.rests();
      const batches = readPartition({
        stream,
        partition,
        from: { offset },
        follow: true,
        stop: this.#stop.signal,
        closed: stream.gone,
      });
      for await (const batch of batches) {
        const records = batch.filter(chooses);
        for (let at = 0; at < records.length;) {
          const to = at + (await this.#permits());
          if (this.#stop.signal.aborted) return;
          const given = records.slice(at, to);
          at += given.length;
          this.#next[partition] = given.at(-1)!.offset + 1;
          sink.put(given.map((record) => this.#itemOf(record)));
        }
        this.#next[partition] = batch.at(-1)!.offset + 1;
        if (this.exhausted) sink.rests();
      }
    } catch (error) {
      if (!this.#stop.signal.aborted) sink.fail(refusalOf(error));
    }
  }

  /** How many may be given now, at least one. */
  #permits(): number | Promise<number> {
    const count = this.#wanted;
    this.#wanted = 0;
    return count > 0 ? count : new Promise((resume) => this.#waiting.push(resume));
  }

  #itemOf(record: StreamRecord): Item {
    const { clock } = this.#options;
    const { partition, offset, appendedMs } = record;
    return {
      write: () =>
        writeMessage(record, {
          attempt: 1,
          nowMs: clock.now(),
          annotations: [
            ["x-opt-partition", uintValue(partition)],
            ["x-opt-offset", longValue(offset)],
            ["x-opt-enqueued-time", timestampValue(appendedMs)],
          ],
        }),
      settle: (_outcome, done) => done(undefined),
      giveBack: () => {},
    };
  }
}
