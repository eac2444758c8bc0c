/**
 * Our rules for producers against Kafka's: `test/kafka-golden/producers.txt.gz` holds what its own
 * ProducerStateManager said of random batches and markers (scripts/kafka-golden.ts).
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { BatchRefused, type RefusalReason } from "../src/embedded/log/batch-refused.ts";
import type { TransactionMarker } from "../src/embedded/log/format/transaction-marker.ts";
import type { ProducedBatch } from "../src/embedded/log/producers/producer-entry.ts";
import { ProducerStates } from "../src/embedded/log/producers/producer-states.ts";
import { StableEnd } from "../src/embedded/log/producers/stable-end.ts";

const golden = gunzipSync(readFileSync("test/kafka-golden/producers.txt.gz"))
  .toString()
  .trimEnd()
  .split("\n");

const EXCEPTIONS: Readonly<Record<string, RefusalReason>> = {
  OutOfOrderSequenceException: "out-of-order",
  InvalidProducerEpochException: "fenced",
  TransactionCoordinatorFencedException: "fenced",
  InvalidTxnStateException: "transaction-state",
};

class Judge {
  readonly #states = new ProducerStates({ keepMs: 86_400_000 });
  readonly #stable = new StableEnd();
  #offset = 0;

  get stableEnd(): number {
    return this.#stable.firstOpen ?? this.#offset;
  }

  /** Each tells the verdict, and the first offset of the transaction that was aborted by it. */
  batch(batch: ProducedBatch): readonly [told: string, aborted: string] {
    const { producerId, count, transactional } = batch;
    const told = this.#told(() => {
      const original = this.#states.check(batch, 0);
      if (original !== undefined) return `=${original.firstOffset}`;
      const firstOffset = this.#offset;
      this.#states.appended(batch, { firstOffset, nowMs: 0 });
      this.#offset += count;
      const nextOffset = this.#offset;
      if (transactional) this.#stable.transactional({ producerId, firstOffset, nextOffset });
      else this.#stable.plain(nextOffset);
      return `+${firstOffset}`;
    });
    return [told, "-"];
  }

  marker(marker: TransactionMarker): readonly [told: string, aborted: string] {
    const { producerId, kind } = marker;
    let aborted = "-";
    const told = this.#told(() => {
      this.#states.checkMarker(marker, 0);
      const firstOffset = this.#offset++;
      this.#states.ended(marker, { firstOffset, nowMs: 0, lastMs: 0 });
      const began = this.#stable.ended(producerId, kind);
      if (kind === "abort" && began !== undefined) aborted = String(began);
      return `+${firstOffset}`;
    });
    return [told, aborted];
  }

  #told(attempt: () => string): string {
    try {
      return attempt();
    } catch (error) {
      assert.ok(error instanceof BatchRefused, String(error));
      return error.reason;
    }
  }
}

test("of every batch and marker we say what Kafka says", (t) => {
  let judge = new Judge();
  const counts = new Map<string, number>();
  for (const [index, line] of golden.entries()) {
    const words = line.split(" ");
    if (words[0] === "log") {
      judge = new Judge();
      continue;
    }
    const number = (at: number): number => Number(words[at]);
    const [verdict = "", stable, aborted] = words.slice(-3);
    const expected = EXCEPTIONS[verdict] ?? verdict;
    const [told, abortedHere] =
      words[0] === "m"
        ? judge.marker({
            producerId: number(1),
            producerEpoch: number(2),
            coordinatorEpoch: number(3),
            kind: number(4) === 1 ? "commit" : "abort",
          })
        : judge.batch({
            producerId: number(1),
            producerEpoch: number(2),
            baseSequence: number(3),
            count: number(4),
            transactional: number(5) === 1,
            newestMs: 0,
          });
    const ours = [told, String(judge.stableEnd), abortedHere];
    assert.deepEqual(ours, [expected, stable, aborted], `line ${index + 1}: ${line}`);
    const kind = `${words[0]} ${expected.replace(/\d+/, "")}`;
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  assert.ok(counts.size >= 7, [...counts.keys()].join());
  for (const [kind, count] of counts) assert.ok(count >= 10, `${kind}: ${count}`);
  t.diagnostic([...counts].map(([kind, count]) => `${kind}: ${count}`).join(", "));
});
