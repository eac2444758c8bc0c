import assert from "node:assert/strict";
import { test } from "node:test";
import { createSeededRandom } from "../../../model/ids.ts";
import { AbortedTransactions } from "./aborted-transactions.ts";
import { StableEnd } from "./stable-end.ts";

interface Entry {
  readonly producer: number | undefined;
  readonly ends?: "abort" | "commit";
}

/** What the log says by itself, looked at from its beginning. */
function judge(log: readonly Entry[]): { stableEnd: number; visibleEnd: number; fates: string[] } {
  const fates = log.map(({ producer, ends }, offset) => {
    if (ends !== undefined) return "marker";
    if (producer === undefined) return "commit";
    const end = log.slice(offset).find((entry) => entry.producer === producer && entry.ends);
    return end?.ends ?? "open";
  });
  const open = fates.indexOf("open");
  const stableEnd = open < 0 ? log.length : open;
  return { stableEnd, visibleEnd: fates.slice(0, stableEnd).lastIndexOf("commit") + 1, fates };
}

for (const seed of [1, 2, 3, 4, 5, 6]) {
  test(`the stable and the visible end are those that the log itself tells (seed ${seed})`, () => {
    const random = createSeededRandom(seed);
    const pick = (count: number): number => Math.floor(random.next() * count);
    const producers = 1 + pick(5);
    let stable = new StableEnd();
    const aborted = new AbortedTransactions();
    const log: Entry[] = [];
    for (let offset = 0; offset < 400; offset++) {
      const producer = pick(producers);
      const kind = pick(10);
      if (kind < 3) {
        log.push({ producer: undefined });
        stable.plain(offset + 1);
      } else if (kind < 8) {
        log.push({ producer });
        stable.transactional({ producerId: producer, firstOffset: offset, nextOffset: offset + 1 });
      } else {
        const ends = kind === 8 ? "abort" : "commit";
        log.push({ producer, ends });
        const firstOffset = stable.ended(producer, ends);
        if (firstOffset !== undefined && ends === "abort") {
          const stableEnd = stable.firstOpen ?? offset + 1;
          aborted.add({ producerId: producer, firstOffset, lastOffset: offset, stableEnd });
        }
      }
      if (pick(20) === 0) stable = new StableEnd(stable.state);
      const expected = judge(log);
      assert.equal(stable.firstOpen ?? log.length, expected.stableEnd, `stable, ${log.length}`);
      assert.equal(stable.visibleEnd, expected.visibleEnd, `visible, ${log.length}`);
      const hidden = expected.fates.map((fate, at) => {
        const { producer } = log[at]!;
        return fate !== "marker" && producer !== undefined && at < expected.stableEnd
          ? aborted.includes({ producerId: producer, offset: at })
          : fate === "abort" && at < expected.stableEnd;
      });
      const wanted = expected.fates.map((fate, at) => fate === "abort" && at < expected.stableEnd);
      assert.deepEqual(hidden, wanted);
      const from = pick(log.length);
      const to = from + 1 + pick(30);
      if (to > expected.stableEnd) continue;
      const overlapping = aborted.endedFrom(0).filter((each) => {
        return each.lastOffset >= from && each.firstOffset < to;
      });
      assert.deepEqual(
        aborted.overlapping(from, to),
        overlapping.map(({ producerId, firstOffset, lastOffset }) => {
          return { producerId, firstOffset, lastOffset };
        }),
      );
    }
  });
}

test("aborted transactions are forgotten with what they were in", () => {
  const aborted = new AbortedTransactions();
  for (let offset = 0; offset < 10; offset++) {
    const lastOffset = offset * 10 + 9;
    const stableEnd = lastOffset + 1;
    aborted.add({ producerId: offset, firstOffset: offset * 10, lastOffset, stableEnd });
  }
  aborted.trimBefore(55);
  assert.deepEqual(
    aborted.overlapping(0, 1_000).map(({ producerId }) => producerId),
    [5, 6, 7, 8, 9],
  );
});
