/**
 * Random producers on a log with small segments, against an oracle that knows nothing but the list of
 * what was taken: each verdict, each end and each remembered sequence is told anew by looking through
 * that list. The disk fills up in the middle of everything; processes end in order and otherwise.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { isMillraceError } from "../../../model/errors.ts";
import { createSeededRandom } from "../../../model/ids.ts";
import { BatchRefused } from "../batch-refused.ts";
import { openTestLog, text, texts, type TestLog } from "../log-stage.test.ts";
import type { ProducerEntry } from "./producer-entry.ts";
import { producedBatches } from "./producer-stage.test.ts";

interface Taken {
  readonly offset: number;
  readonly values: readonly string[];
  readonly id?: number;
  readonly epoch?: number;
  readonly sequence?: number;
  readonly transactional?: boolean;
  readonly ends?: "abort" | "commit";
  readonly coordinatorEpoch?: number;
}

interface Tried {
  readonly id: number;
  readonly epoch: number;
  readonly sequence: number;
  readonly count: number;
  readonly transactional: boolean;
}

const offsetsOf = ({ values, ends }: Taken): number => (ends === undefined ? values.length : 1);

class Oracle {
  taken: Taken[] = [];

  get end(): number {
    const last = this.taken.at(-1);
    return last === undefined ? 0 : last.offset + offsetsOf(last);
  }

  /** Of the producer's current epoch. */
  batches(id: number): readonly Taken[] {
    const { epoch } = this.newest(id) ?? {};
    return this.taken.filter(
      (each) => each.id === id && each.epoch === epoch && each.ends === undefined,
    );
  }

  newest(id: number): Taken | undefined {
    return this.taken.findLast((each) => each.id === id);
  }

  openFrom(id: number): number | undefined {
    const marker = this.taken.findLast((each) => each.id === id && each.ends !== undefined);
    const behind = this.taken.filter(
      (each) => each.id === id && each.transactional && each.offset > (marker?.offset ?? -1),
    );
    return behind[0]?.offset;
  }

  takeBack(offset: number): void {
    this.taken = this.taken.filter((each) => each.offset < offset);
  }

  verdict({ id, epoch, sequence, count, transactional }: Tried): string {
    const newest = this.newest(id);
    if (newest === undefined) return `+${this.end}`;
    const batches = this.batches(id);
    const again = batches
      .slice(-5)
      .find((each) => each.sequence === sequence && each.values.length === count);
    if (epoch === newest.epoch && again !== undefined) return `=${again.offset}`;
    if (epoch < newest.epoch!) return "fenced";
    const last = epoch === newest.epoch ? batches.at(-1) : undefined;
    const expected = last === undefined ? 0 : (last.sequence! + last.values.length) % 2 ** 31;
    if (sequence !== expected) return "out-of-order";
    if (this.openFrom(id) !== undefined && !transactional) return "transaction-state";
    return `+${this.end}`;
  }

  markerVerdict(id: number, epoch: number, coordinatorEpoch: number): string {
    const before = this.taken.findLast((each) => each.id === id && each.ends !== undefined);
    if (epoch < (this.newest(id)?.epoch ?? 0)) return "fenced";
    return coordinatorEpoch < (before?.coordinatorEpoch ?? -1) ? "fenced" : `+${this.end}`;
  }

  fate(of: Taken): "abort" | "commit" | "open" {
    if (!of.transactional) return "commit";
    const end = this.taken.find(
      (each) => each.id === of.id && each.ends && each.offset > of.offset,
    );
    return end?.ends ?? "open";
  }

  /** All that can be asked of the log. */
  facts(): unknown {
    const data = this.taken.filter(({ ends }) => ends === undefined);
    const stableEnd = data.find((each) => this.fate(each) === "open")?.offset ?? this.end;
    const seen = data.filter((each) => each.offset < stableEnd && this.fate(each) === "commit");
    const lastSeen = seen.at(-1);
    const ids = [...new Set(this.taken.flatMap(({ id }) => (id === undefined ? [] : [id])))];
    return {
      ends: [
        lastSeen === undefined ? 0 : lastSeen.offset + offsetsOf(lastSeen),
        stableEnd,
        this.end,
      ],
      seen: seen.flatMap(({ offset, values }) =>
        values.map((value, at) => `${offset + at}:${value}`),
      ),
      aborted: this.taken.flatMap(({ id, ends, offset }) => {
        if (ends !== "abort") return [];
        const marker = this.taken.findLast(
          (each) => each.id === id && each.ends && each.offset < offset,
        );
        const first = this.taken.find(
          (each) => each.id === id && each.transactional && each.offset > (marker?.offset ?? -1),
        );
        return first !== undefined && first.offset < offset ? [[id, first.offset, offset]] : [];
      }),
      producers: ids
        .toSorted((a, b) => a - b)
        .map((id) => ({
          id,
          epoch: this.newest(id)!.epoch,
          coordinatorEpoch:
            this.taken.findLast((each) => each.id === id && each.ends)?.coordinatorEpoch ?? -1,
          batches: this.batches(id)
            .slice(-5)
            .map(({ sequence, offset, values }) => [sequence, offset, offset + values.length - 1]),
          openFrom: this.openFrom(id),
        })),
    };
  }
}

async function factsOf({ log }: TestLog): Promise<unknown> {
  const told = ({ id, epoch, coordinatorEpoch, batches, openFrom }: ProducerEntry): unknown => ({
    id,
    epoch,
    coordinatorEpoch,
    batches: batches.map((each) => [each.firstSequence, each.firstOffset, each.lastOffset]),
    openFrom,
  });
  return {
    ends: [log.visibleEnd, log.stableEnd, log.end],
    seen: await texts(log),
    aborted: log
      .abortedNow()
      .overlapping(0, log.end)
      .map(({ producerId, firstOffset, lastOffset }) => [producerId, firstOffset, lastOffset]),
    producers: log
      .knownProducers()
      .toSorted((a, b) => a.id - b.id)
      .map(told),
  };
}

interface Counts {
  taken: number;
  repeated: number;
  refused: number;
  full: number;
  openings: number;
}

async function play(seed: number, steps: number): Promise<Counts> {
  const random = createSeededRandom(seed);
  const pick = (count: number): number => Math.floor(random.next() * count);
  await using bench = await openTestLog({ segmentBytesMax: 300 + pick(2_000) });
  const oracle = new Oracle();
  const counts: Counts = { taken: 0, repeated: 0, refused: 0, full: 0, openings: 0 };
  let settling: { durable: Promise<void>; taken: boolean }[] = [];
  let made = 0;

  /** Runs one append on both; `take` says what the oracle keeps of it. */
  const attempt = (
    verdict: string,
    append: () => { firstOffset: number; durable: Promise<void> },
    take: (offset: number) => Taken,
  ): void => {
    let found: string;
    try {
      const { firstOffset, durable } = append();
      const taken = verdict.startsWith("+");
      found = `${taken ? "+" : "="}${firstOffset}`;
      settling.push({ durable, taken });
      if (taken) oracle.taken.push(take(firstOffset));
      durable.catch(() => oracle.takeBack(firstOffset));
      counts[taken ? "taken" : "repeated"]++;
    } catch (error) {
      if (isMillraceError(error, "DISK_FULL")) return void counts.full++;
      assert.ok(error instanceof BatchRefused, String(error));
      found = error.reason;
      counts.refused++;
    }
    assert.equal(found, verdict, `seed ${seed}, append ${made}`);
  };

  const step = (): void => {
    made++;
    const id = pick(4);
    const newest = oracle.newest(id);
    const epoch = Math.max(0, (newest?.epoch ?? 0) + [0, 0, 0, 0, 0, 0, 0, 0, -1, 1][pick(10)]!);
    const kind = pick(12);
    if (kind === 0) {
      const values = [`own ${made}`];
      const append = (): { firstOffset: number; durable: Promise<void> } =>
        bench.log.append([text(values[0]!)]);
      attempt(`+${oracle.end}`, append, (offset) => ({ offset, values }));
    } else if (kind < 4) {
      const ends = pick(2) === 0 ? "abort" : "commit";
      const coordinatorEpoch = pick(8) === 0 ? 0 : 1;
      const marker = {
        producerId: id,
        producerEpoch: epoch,
        kind: ends,
        coordinatorEpoch,
      } as const;
      attempt(
        oracle.markerVerdict(id, epoch, coordinatorEpoch),
        () => bench.log.appendMarker(marker),
        (offset) => ({ offset, values: [], id, epoch, ends, coordinatorEpoch }),
      );
    } else {
      const batches = oracle.batches(id);
      const again = pick(6) === 0 ? batches.at(-1 - pick(7)) : undefined;
      const last = batches.at(-1);
      const next = last === undefined ? 0 : (last.sequence! + last.values.length) % 2 ** 31;
      const start = newest === undefined && pick(2) === 0 ? 2 ** 31 - 3 : next;
      const gap = pick(10) === 0 ? pick(3) : 0;
      const fresh = (epoch === newest?.epoch || newest === undefined ? start : 0) + gap;
      const sequence = again?.sequence ?? fresh % 2 ** 31;
      const count = again?.values.length ?? 1 + pick(3);
      const open = oracle.openFrom(id) !== undefined;
      const transactional = pick(10) === 0 ? !open : open || pick(2) === 0;
      const values = Array.from({ length: count }, (_, at) => `${id}/${made}/${at}`);
      const tried = { id, epoch, sequence, count, transactional };
      attempt(
        oracle.verdict(tried),
        () => bench.log.appendBatches(producedBatches(tried, ...values)),
        (offset) => ({ offset, values, ...tried }),
      );
    }
  };

  const settle = async (): Promise<void> => {
    const results = await Promise.allSettled(settling.map(({ durable }) => durable));
    for (const [index, result] of results.entries()) {
      if (result.status === "fulfilled") continue;
      assert.ok(isMillraceError(result.reason, "DISK_FULL"), String(result.reason));
      if (settling[index]!.taken) counts.full++;
    }
    settling = [];
  };

  for (let round = 0; round < steps; round++) {
    if (pick(4) === 0) bench.disk.capacityBytes = bench.disk.usedBytes() + pick(800);
    for (let burst = pick(3); burst >= 0; burst--) {
      for (let appends = 1 + pick(4); appends > 0; appends--) step();
      // What comes now gathers behind the group that is on its way.
      for (let turns = pick(4); turns > 0; turns--) await Promise.resolve();
    }
    await settle();
    bench.disk.capacityBytes = Infinity;
    await bench.clock.advance(1_000);
    assert.deepEqual(await factsOf(bench), oracle.facts(), `seed ${seed}, round ${round}`);
    if (pick(3) > 0) continue;
    counts.openings++;
    await (pick(2) === 0 ? bench.crash() : bench.reopen());
    assert.deepEqual(await factsOf(bench), oracle.facts(), `seed ${seed}, opened ${round}`);
  }
  return counts;
}

for (const seed of [11, 12]) {
  test(`a log remembers of random producers what its batches tell (seed ${seed})`, async (t) => {
    const counts = await play(seed, 60);
    t.diagnostic(Object.entries(counts).join(" "));
    for (const [name, count] of Object.entries(counts)) assert.ok(count > 5, `${name}: ${count}`);
  });
}
