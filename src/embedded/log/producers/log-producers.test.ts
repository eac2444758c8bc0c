import assert from "node:assert/strict";
import { test } from "node:test";
import { BatchRefused, type RefusalReason } from "../batch-refused.ts";
import type { TransactionEnd } from "../format/transaction-marker.ts";
import {
  DIRECTORY,
  holdingReads,
  openTestLog,
  text,
  texts,
  type TestLog,
} from "../log-stage.test.ts";
import type { Disk } from "../disk.ts";
import { producedBatches, type Made } from "./producer-stage.test.ts";

const produce = (
  { log }: TestLog,
  made: Made,
  ...values: readonly string[]
): { firstOffset: number; durable: Promise<void> } =>
  log.appendBatches(producedBatches(made, ...values));

const INSIDE = { transactional: true } as const;

function end(
  { log }: TestLog,
  id: number,
  kind: TransactionEnd,
  producerEpoch = 0,
): { firstOffset: number; durable: Promise<void> } {
  return log.appendMarker({ producerId: id, producerEpoch, kind, coordinatorEpoch: 0 });
}

function refusal(append: () => unknown): RefusalReason {
  try {
    append();
  } catch (error) {
    if (error instanceof BatchRefused) return error.reason;
    throw error;
  }
  throw new Error("it was taken");
}

const ends = ({ log }: TestLog): readonly number[] => [log.visibleEnd, log.stableEnd, log.end];

const snapshots = ({ disk }: TestLog): readonly string[] =>
  [...disk.files.keys()]
    .filter((path) => path.endsWith(".producers"))
    .map((path) => String(Number(path.slice(DIRECTORY.length + 1, -".producers".length))))
    .toSorted();

test("a batch that comes again is written once and answered with its offset", async () => {
  await using bench = await openTestLog();
  await bench.append("before");
  await produce(bench, { id: 1, sequence: 0 }, "a", "b").durable;
  const again = produce(bench, { id: 1, sequence: 0 }, "a", "b");
  assert.equal(again.firstOffset, 1);
  await again.durable;
  assert.deepEqual(await texts(bench.log), ["0:before", "1:a", "2:b"]);
});

test("the same batch twice in one group is answered when the group is durable", async () => {
  await using bench = await openTestLog();
  const settled: string[] = [];
  const first = produce(bench, { id: 1, sequence: 0 }, "a");
  const second = produce(bench, { id: 1, sequence: 0 }, "a");
  assert.deepEqual([first.firstOffset, second.firstOffset], [0, 0]);
  void second.durable.then(() => settled.push(`at end ${bench.log.end}`));
  assert.equal(bench.log.end, 0);
  await Promise.all([first.durable, second.durable]);
  assert.deepEqual(settled, ["at end 1"]);
  assert.deepEqual(await texts(bench.log), ["0:a"]);
});

test("gaps and older epochs are refused and leave no trace", async () => {
  await using bench = await openTestLog();
  await produce(bench, { id: 1, epoch: 1, sequence: 0 }, "a").durable;
  assert.equal(
    refusal(() => produce(bench, { id: 1, epoch: 1, sequence: 2 }, "c")),
    "out-of-order",
  );
  assert.equal(
    refusal(() => produce(bench, { id: 1, epoch: 0, sequence: 1 }, "b")),
    "fenced",
  );
  assert.equal(
    refusal(() => end(bench, 1, "abort", 0)),
    "fenced",
  );
  await produce(bench, { id: 1, epoch: 1, sequence: 1 }, "b").durable;
  assert.deepEqual(await texts(bench.log), ["0:a", "1:b"]);
});

test("a producer that was silent for a day is unknown again, also after a stop", async () => {
  await using bench = await openTestLog();
  await produce(bench, { id: 1, sequence: 0 }, "a").durable;
  await produce(bench, { id: 2, sequence: 0, ...INSIDE }, "open").durable;
  await bench.clock.advance(86_400_000 - 1);
  assert.equal(
    refusal(() => produce(bench, { id: 1, sequence: 7 }, "x")),
    "out-of-order",
  );
  await bench.reopen();
  await bench.clock.advance(1);
  const known = bench.log.knownProducers().map(({ id }) => id);
  assert.deepEqual(known, [2], "its transaction is open");
  await produce(bench, { id: 1, sequence: 7 }, "b").durable;
});

test("a full disk takes back what it refused of a producer, and no more", async () => {
  await using bench = await openTestLog();
  await produce(bench, { id: 1, sequence: 0 }, "a").durable;
  bench.disk.capacityBytes = bench.disk.usedBytes() + 10;
  const refused = [
    produce(bench, { id: 1, sequence: 1 }, "b"),
    produce(bench, { id: 1, sequence: 2, ...INSIDE }, "c"),
    produce(bench, { id: 1, sequence: 1 }, "b"),
    produce(bench, { id: 2, sequence: 0 }, "x"),
    end(bench, 1, "commit", 3),
  ];
  for (const { durable } of refused) await assert.rejects(durable, { code: "DISK_FULL" });
  bench.disk.capacityBytes = Infinity;
  await bench.clock.advance(1000);
  assert.deepEqual(
    bench.log.knownProducers().map(({ id, batches }) => [id, batches.length]),
    [[1, 1]],
  );
  const again = produce(bench, { id: 1, sequence: 1 }, "b");
  assert.equal(again.firstOffset, 1);
  await again.durable;
  assert.deepEqual(await texts(bench.log), ["0:a", "1:b"]);
  assert.deepEqual(ends(bench), [2, 2, 2]);
});

test("a marker passes the floor of free space, a batch does not", async () => {
  await using bench = await openTestLog({ freeBytesMin: 1000 });
  await produce(bench, { id: 1, sequence: 0, ...INSIDE }, "a").durable;
  bench.disk.capacityBytes = bench.disk.usedBytes() + 500;
  await bench.clock.advance(1000);
  await bench.append("b");
  assert.throws(() => produce(bench, { id: 1, sequence: 1, ...INSIDE }, "b"), {
    code: "DISK_FULL",
  });
  assert.equal(produce(bench, { id: 1, sequence: 0, ...INSIDE }, "a").firstOffset, 0);
  await end(bench, 1, "commit").durable;
  assert.deepEqual(await texts(bench.log), ["0:a", "1:b"]);
});

test("nobody sees a transaction's records, or what stands behind them, before its marker is durable", async () => {
  await using bench = await openTestLog();
  await bench.append("before");
  await produce(bench, { id: 1, sequence: 0, ...INSIDE }, "a").durable;
  await bench.append("after");
  assert.deepEqual(ends(bench), [1, 1, 3]);
  assert.deepEqual(await texts(bench.log), ["0:before"]);
  assert.deepEqual(await bench.log.read(1, { count: 9, bytes: 999 }), { records: [], next: 1 });
  const waiting = bench.log.waitFor(1, new AbortController().signal);
  const { durable } = end(bench, 1, "commit");
  assert.deepEqual(ends(bench), [1, 1, 3]);
  await Promise.all([durable, waiting]);
  assert.deepEqual(ends(bench), [3, 4, 4]);
  assert.deepEqual(await texts(bench.log), ["0:before", "1:a", "2:after"]);
});

test("nobody sees the records of an aborted transaction, or waits for what trails", async () => {
  await using bench = await openTestLog();
  await produce(bench, { id: 1, sequence: 0, ...INSIDE }, "a").durable;
  await produce(bench, { id: 2, sequence: 0, ...INSIDE }, "b").durable;
  await produce(bench, { id: 1, sequence: 1, ...INSIDE }, "c").durable;
  await end(bench, 2, "commit").durable;
  assert.deepEqual(ends(bench), [0, 0, 4]);
  await end(bench, 1, "abort").durable;
  assert.deepEqual(ends(bench), [2, 5, 5]);
  assert.deepEqual(await texts(bench.log), ["1:b"]);
  assert.deepEqual(bench.log.abortedNow().overlapping(0, 5), [
    { producerId: 1, firstOffset: 0, lastOffset: 4 },
  ]);
  assert.deepEqual(bench.log.abortedNow().overlapping(5, 9), []);
  const { next } = await bench.log.read(2, { count: 9, bytes: 999 });
  assert.equal(next, 5, "over what no reader is given");
  let woken = false;
  void bench.log.waitFor(2, new AbortController().signal).then(() => (woken = true));
  await bench.clock.settle();
  assert.equal(woken, false);
  await bench.append("d");
  await bench.clock.settle();
  assert.equal(woken, true);
  assert.deepEqual(await texts(bench.log), ["1:b", "5:d"]);
});

test("those who read batches wait for the end they ask for", async () => {
  await using bench = await openTestLog();
  const woken: string[] = [];
  const { signal } = new AbortController();
  for (const kind of ["end", "stableEnd", "visibleEnd"] as const) {
    const waiting = bench.log.waitFor(0, signal, kind);
    waiting.then(
      () => woken.push(kind),
      () => undefined,
    );
  }
  await produce(bench, { id: 1, sequence: 0, ...INSIDE }, "a").durable;
  await bench.clock.settle();
  assert.deepEqual(woken, ["end"]);
  await end(bench, 1, "abort").durable;
  await bench.clock.settle();
  assert.deepEqual(woken, ["end", "stableEnd"]);
});

test("what is known of producers is there after a crash and after an orderly stop", async () => {
  await using bench = await openTestLog();
  await produce(bench, { id: 1, sequence: 0 }, "a").durable;
  await produce(bench, { id: 2, sequence: 0, ...INSIDE }, "b").durable;
  await produce(bench, { id: 3, sequence: 0, ...INSIDE }, "c").durable;
  await end(bench, 3, "abort").durable;
  const known = bench.log.knownProducers();
  const before = ends(bench);
  for (const again of [() => bench.crash(), () => bench.reopen(), () => bench.crash()]) {
    await again();
    assert.deepEqual(bench.log.knownProducers(), known);
    assert.deepEqual(ends(bench), before);
    assert.deepEqual(bench.log.abortedNow().overlapping(0, 9), [
      { producerId: 3, firstOffset: 2, lastOffset: 3 },
    ]);
    assert.deepEqual(await texts(bench.log), ["0:a"]);
    assert.equal(produce(bench, { id: 1, sequence: 0 }, "a").firstOffset, 0);
    assert.equal(
      refusal(() => produce(bench, { id: 1, sequence: 2 }, "x")),
      "out-of-order",
    );
  }
  await end(bench, 2, "commit").durable;
  assert.deepEqual(await texts(bench.log), ["0:a", "1:b"]);
});

/** Segments of a batch or two; each round a transaction that ends, one of them over the next round. */
async function threeSegments(bench: TestLog): Promise<void> {
  for (let round = 0; round < 4; round++) {
    await produce(bench, { id: 1, sequence: round, ...INSIDE }, `aborted ${round}`).durable;
    await produce(bench, { id: 2, sequence: round }, `kept ${round} ${"x".repeat(60)}`).durable;
    await end(bench, 1, "abort").durable;
  }
}

test("a snapshot stands beside each segment that ended, and one where the process stopped", async () => {
  await using bench = await openTestLog({ segmentBytesMax: 250 });
  await threeSegments(bench);
  assert.deepEqual(snapshots(bench), ["3", "6", "9"]);
  const known = bench.log.knownProducers();
  const aborted = bench.log.abortedNow().overlapping(0, 99);
  assert.equal(aborted.length, 4);
  await bench.reopen();
  assert.deepEqual(snapshots(bench), ["12", "3", "6", "9"]);
  assert.deepEqual(bench.log.knownProducers(), known);
  assert.deepEqual(bench.log.abortedNow().overlapping(0, 99), aborted);
  await produce(bench, { id: 2, sequence: 4 }, "more").durable;
  await bench.reopen();
  assert.deepEqual(
    snapshots(bench),
    ["12", "13", "3", "6", "9"],
    "the log had ended a segment there",
  );
});

test("of several stops within one segment only the last one's snapshot stays", async () => {
  await using bench = await openTestLog();
  for (const sequence of [0, 1, 2]) {
    await produce(bench, { id: 1, sequence }, "a").durable;
    await bench.reopen();
    assert.deepEqual(snapshots(bench), [String(sequence + 1)]);
  }
});

test("what an orderly start reads of a log does not grow with it", async () => {
  const opened: string[] = [];
  const wrap = (disk: Disk): Disk => ({
    ...disk,
    open: async (path, options) => {
      const file = await disk.open(path, options);
      const read = file.read.bind(file);
      file.read = (position, length) => {
        opened.push(path.slice(-4));
        return read(position, length);
      };
      return file;
    },
    readFile: (path) => {
      if (path.endsWith(".producers")) opened.push("producers");
      return disk.readFile(path);
    },
  });
  await using plain = await openTestLog({ segmentBytesMax: 250, wrap });
  for (let round = 0; round < 9; round++) await plain.append("x".repeat(100));
  opened.length = 0;
  await plain.reopen();
  assert.deepEqual(opened, [], "no producers, nothing to read");
  assert.deepEqual(snapshots(plain), []);

  await using bench = await openTestLog({ segmentBytesMax: 250, wrap });
  await threeSegments(bench);
  opened.length = 0;
  await bench.reopen();
  assert.deepEqual(new Set(opened), new Set(["producers"]));
});

test("a snapshot that is missing or torn is made up for by the batches themselves", async () => {
  await using bench = await openTestLog({ segmentBytesMax: 250 });
  await threeSegments(bench);
  await produce(bench, { id: 9, sequence: 0, ...INSIDE }, "open").durable;
  await bench.reopen();
  const known = bench.log.knownProducers();
  const aborted = bench.log.abortedNow().overlapping(0, 99);
  const before = ends(bench);
  const strip = (all: typeof known): unknown => all.map((entry) => ({ ...entry, heardMs: 0 }));
  const whole = new Map<string, Uint8Array>();
  for (const [path, { bytes }] of bench.disk.files) {
    if (path.endsWith(".producers")) whole.set(path, bytes.slice());
  }
  assert.equal(whole.size, 5);
  const all = 2 ** whole.size - 1;
  for (let choice = 0; choice <= all; choice++) {
    for (const [index, [path, bytes]] of [...whole].entries()) {
      const file = await bench.disk.open(path, { create: true });
      await file.write([bytes], 0);
      if ((choice & (1 << index)) === 0) continue;
      if (choice === all || index % 2 === 0) await bench.disk.remove(path);
      else await file.write([Buffer.from("torn")], 12);
    }
    await bench.crash();
    assert.deepEqual(strip(bench.log.knownProducers()), strip(known), `without ${choice}`);
    assert.deepEqual(bench.log.abortedNow().overlapping(0, 99), aborted, `without ${choice}`);
    assert.deepEqual(ends(bench), before);
  }
});

test("a snapshot of what the log does not hold is not believed later", async () => {
  await using bench = await openTestLog();
  await produce(bench, { id: 1, sequence: 0 }, "a").durable;
  await bench.reopen();
  const file = bench.disk.files.get(`${DIRECTORY}/00000000000000000001.producers`)!;
  const beyond = await bench.disk.open(`${DIRECTORY}/00000000000000000005.producers`, {
    create: true,
  });
  await beyond.write([file.bytes], 0);
  await bench.crash();
  assert.deepEqual(snapshots(bench), ["1"]);
});

test("snapshots go with their segments, and an open transaction keeps no segment", async () => {
  await using bench = await openTestLog({ segmentBytesMax: 250 });
  await produce(bench, { id: 9, sequence: 0, ...INSIDE }, "open").durable;
  await threeSegments(bench);
  assert.equal(bench.log.stableEnd, 0);
  const kept = await bench.log.trimBefore(bench.log.end);
  assert.ok(kept > 6);
  assert.deepEqual(
    snapshots(bench).filter((offset) => Number(offset) < kept),
    [],
  );
  assert.deepEqual(ends(bench), [kept, kept, bench.log.end]);
  const behind = bench.log.abortedNow().overlapping(0, 99);
  assert.ok(behind.every(({ lastOffset }) => lastOffset >= kept));
  await bench.crash();
  assert.deepEqual(bench.log.abortedNow().overlapping(0, 99), behind);
  assert.deepEqual(ends(bench), [kept, kept, bench.log.end]);
  await end(bench, 9, "commit").durable;
  assert.equal(bench.log.stableEnd, bench.log.end);
});

test("what was aborted stays so for a read that outlives its segment", async () => {
  let held: ReturnType<typeof holdingReads> | undefined;
  const wrap = (disk: Disk): Disk => {
    held = holdingReads(disk, `${DIRECTORY}/00000000000000000000.log`);
    return held.disk;
  };
  await using bench = await openTestLog({ segmentBytesMax: 250, wrap });
  await threeSegments(bench);
  const before = bench.log.abortedNow();
  const { begun, letGo } = held!.hold();
  const reading = bench.log.read(0, { count: 9, bytes: 999 });
  await begun;
  assert.ok((await bench.log.trimBefore(bench.log.end)) > 3);
  letGo();
  const { records } = await reading;
  assert.deepEqual(
    records.map(({ value }) => Buffer.from(value!).toString().slice(0, 6)),
    ["kept 0"],
  );
  assert.deepEqual(before.overlapping(0, 3), [{ producerId: 1, firstOffset: 0, lastOffset: 2 }]);
  assert.deepEqual(bench.log.abortedNow().overlapping(0, 3), []);
});

test("records of this process are no transaction's, wherever they stand", async () => {
  await using bench = await openTestLog();
  const arrived = bench.log.waitFor(0, new AbortController().signal);
  const open = produce(bench, { id: 1, sequence: 0, ...INSIDE }, "a");
  const own = bench.log.append([text("own")]);
  const marker = end(bench, 1, "abort");
  await Promise.all([arrived, open.durable, own.durable, marker.durable]);
  assert.deepEqual(await texts(bench.log), ["1:own"]);
  assert.deepEqual(ends(bench), [2, 3, 3]);
});
