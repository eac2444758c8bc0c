import assert from "node:assert/strict";
import { test } from "node:test";
import { isMillraceError } from "../../../model/errors.ts";
import { MemoryContents } from "../disks/memory-disk.ts";
import { acceptDamage } from "../open-log.ts";
import { AT } from "../format/batch-layout.ts";
import { crc32c } from "../format/crc32c.ts";
import {
  DIRECTORY,
  openTestLog,
  text,
  texts,
  wireBatches,
  type TestLog,
} from "../log-stage.test.ts";

const LOG = `${DIRECTORY}/00000000000000000000.log`;
const NOTE = `${DIRECTORY}/00000000000000000000.damage`;
const SIDECAR = `${DIRECTORY}/00000000000000000000.groups`;

function bytesOf({ disk }: TestLog, path = LOG): Uint8Array {
  return disk.files.get(path)!.bytes;
}

function addToEnd({ disk }: TestLog, bytes: Uint8Array): void {
  const contents = disk.files.get(LOG)!;
  contents.write(bytes, contents.size);
}

/** Each offset up to the end as its text, or as the code of the error that refuses it. */
async function readEach({ log }: TestLog): Promise<string[]> {
  const found: string[] = [];
  for (let offset = log.earliest; offset < log.end; offset++) {
    try {
      const [record] = (await log.read(offset, { count: 1, bytes: 1 })).records;
      found.push(`${record!.offset}:${Buffer.from(record!.value!).toString()}`);
    } catch (error) {
      assert.ok(isMillraceError(error), String(error));
      found.push(error.code);
    }
  }
  return found;
}

/** In the file they take 71, 71 and 73 bytes. */
async function threeGroups(): Promise<TestLog> {
  const bench = await openTestLog();
  await bench.append("one", "two", "three");
  return bench;
}

test("a reader of whole batches that comes to damage is refused, and reads on behind it", async () => {
  await using bench = await threeGroups();
  bytesOf(bench)[71 + 65]! ^= 1;
  const read = (offset: number) => bench.log.readBatches(offset, { bytesMax: 1, endOffset: 3 });
  assert.equal((await read(0)).nextOffset, 1);
  for (let tries = 0; tries < 2; tries++) {
    await assert.rejects(read(1), { code: "LOG_DAMAGED", message: /read on from offset 2/ });
  }
  assert.equal((await read(2)).nextOffset, 3);
});

test("a log whose newest file is gone is damaged, and does not begin again", async () => {
  await using bench = await threeGroups();
  await bench.log.close();
  bench.disk.files.delete(LOG);
  await bench.crash();
  assert.equal(bench.log.end, 3);
  assert.deepEqual(await readEach(bench), Array<string>(3).fill("LOG_DAMAGED"));
  assert.match(bench.log.stopped ?? "", /takes no appends/);
  // Each start says so, not only the one that has found it.
  const told = bench.entries.length;
  await bench.reopen();
  assert.ok(bench.entries.slice(told).some(({ level }) => level === "error"));
});

test("a damaged header that misleads the search for an offset loses its own batch alone", async () => {
  for (const bit of [0, 3, 7]) {
    await using bench = await threeGroups();
    await bench.reopen();
    // The third byte of the last offset's delta, which says where the next batch begins.
    bytesOf(bench)[71 + 25]! ^= 1 << bit;
    assert.deepEqual(await readEach(bench), ["0:one", "LOG_DAMAGED", "2:three"]);
  }
});

test("a header that is wrong under a checksum that holds keeps no reader busy for ever", async () => {
  for (const [batch, delta, expected] of [
    // The last batch ends before the log does; its records contradict it, so it is given out as it is.
    [2, 0, ["0:a", "1:b", "2:c", "3:d", "4:batch", "LOG_DAMAGED"]],
    // It ends behind it.
    [2, 1_000, ["0:a", "1:b", "2:c", "3:d", "LOG_DAMAGED", "LOG_DAMAGED"]],
    // One before it ends where none begins.
    [1, 0, ["0:a", "1:b", "2:batch", "LOG_DAMAGED", "LOG_DAMAGED", "LOG_DAMAGED"]],
    [1, 2 ** 30, ["0:a", "1:b", "LOG_DAMAGED", "LOG_DAMAGED", "4:e", "5:f"]],
  ] as const) {
    await using bench = await openTestLog();
    for (const pair of [
      ["a", "b"],
      ["c", "d"],
      ["e", "f"],
    ]) {
      await bench.log.appendBatches(wireBatches(...pair)).durable;
    }
    await bench.reopen();
    const contents = Buffer.from(bytesOf(bench).buffer);
    const length = wireBatches("a", "b")[0]!.bytes.length;
    const damaged = contents.subarray(batch * length, (batch + 1) * length);
    damaged.writeInt32BE(delta, AT.lastOffsetDelta);
    damaged.writeUInt32BE(crc32c(damaged, AT.attributes), AT.crc);
    const found = (await readEach(bench)).map((one) => one.replace(/:.*\0.*/s, ":batch"));
    assert.deepEqual(found, expected, `batch ${batch}, delta ${delta}`);
    // Whole batches: each read gets on, or is refused.
    for (let offset = 0; offset < bench.log.end; offset++) {
      const read = bench.log.readBatches(offset, { bytesMax: 1, endOffset: bench.log.end });
      const next = await read.then(
        (run) => run.nextOffset,
        (error: unknown) => isMillraceError(error, "LOG_DAMAGED") && Infinity,
      );
      assert.ok(Number(next) > offset, `batch ${batch}, delta ${delta}, offset ${offset}`);
    }
  }
});

test("garbage behind the last group is cut", async () => {
  await using bench = await threeGroups();
  addToEnd(
    bench,
    Buffer.from("not a batch at all, but long enough to hold the header of one".repeat(3)),
  );
  await bench.crash();
  await bench.append("four");
  assert.deepEqual(await texts(bench.log), ["0:one", "1:two", "2:three", "3:four"]);
  assert.match(bench.entries.map((entry) => entry.text).join(), /cut the unfinished end/);
});

test("zeros behind the last group are cut", async () => {
  await using bench = await threeGroups();
  const { length } = bytesOf(bench);
  addToEnd(bench, new Uint8Array(10_000));
  await bench.crash();
  assert.equal(bytesOf(bench).length, length);
  assert.deepEqual(await texts(bench.log), ["0:one", "1:two", "2:three"]);
});

test("a batch that repeats an offset does not follow", async () => {
  await using bench = await threeGroups();
  const { length } = bytesOf(bench);
  addToEnd(bench, bytesOf(bench).slice(0, length / 3));
  await bench.crash();
  assert.deepEqual(await texts(bench.log), ["0:one", "1:two", "2:three"]);
});

test("what was cut does not come back behind new bytes of the same length", async () => {
  await using bench = await openTestLog();
  await bench.append("one");
  await bench.clock.settle();
  const sidecar = bytesOf(bench, SIDECAR).slice();
  await bench.append("two", "three");
  bench.disk.files.set(SIDECAR, new MemoryContents(sidecar));
  bytesOf(bench)[100]! ^= 1;
  await bench.crash();
  assert.deepEqual(await texts(bench.log), ["0:one"]);
  await bench.append("new");
  await bench.crash();
  assert.deepEqual(await texts(bench.log), ["0:one", "1:new"]);
});

// proves: immutable-events
test("any flipped byte of a synced group is found after a crash, reported and never served", async () => {
  await using original = await threeGroups();
  const whole = bytesOf(original).slice();
  const sidecar = bytesOf(original, SIDECAR).slice();
  let checked = 0;
  for (let at = 0; at < whole.length; at++) {
    const bench = await openTestLog();
    const damaged = whole.slice();
    damaged[at]! ^= 0x40;
    bench.disk.files.set(LOG, new MemoryContents(damaged));
    bench.disk.files.set(SIDECAR, new MemoryContents(sidecar.slice()));
    await bench.crash();

    const hurt = at < 71 ? 0 : at < 142 ? 1 : 2;
    const expected = ["0:one", "1:two", "2:three"].with(hurt, "LOG_DAMAGED");
    const found = (await readEach(bench)).map((one) => one.replace(/:.*\0.*/s, ":batch"));
    assert.deepEqual(found, expected, `byte ${at}`);
    assert.deepEqual(bytesOf(bench), damaged, "the segment is left as it is");
    assert.ok(
      bench.entries.some(
        ({ level, facts }) => level === "error" && facts["code"] === "LOG_DAMAGED",
      ),
    );
    assert.throws(() => bench.log.append([text("four")]), {
      code: "LOG_DAMAGED",
      message: /accept the loss/,
    });
    await bench.log.close();
    checked++;
  }
  assert.ok(checked > 200, `only ${checked} bytes`);
});

test("damage that an orderly stop hides from the start is found by the read", async () => {
  await using bench = await threeGroups();
  await bench.log.close();
  bytesOf(bench)[30]! ^= 1;
  await bench.crash();
  assert.equal(bench.log.stopped, undefined);
  assert.deepEqual(await readEach(bench), ["LOG_DAMAGED", "1:two", "2:three"]);
  assert.match(bench.log.stopped ?? "", /accept the loss/);
});

test("a segment that lost its end is damaged, not short", async () => {
  await using bench = await threeGroups();
  const contents = bench.disk.files.get(LOG)!;
  contents.truncate(contents.size - 1);
  await bench.crash();
  assert.deepEqual(await readEach(bench), ["0:one", "1:two", "LOG_DAMAGED"]);
  assert.notEqual(bench.log.stopped, undefined);
});

test("without its sidecar a segment still tells damage from an unfinished end", async () => {
  await using bench = await threeGroups();
  bench.disk.files.delete(SIDECAR);
  bytesOf(bench)[30]! ^= 1;
  addToEnd(bench, Buffer.from("unfinished"));
  await bench.crash();
  assert.deepEqual(await readEach(bench), ["LOG_DAMAGED", "1:two", "2:three"]);
});

test("once its loss is accepted a damaged partition takes appends, and reads pass over the lost", async () => {
  await using bench = await threeGroups();
  bytesOf(bench)[30]! ^= 1;
  await bench.crash();
  assert.notEqual(bench.log.stopped, undefined);
  await bench.log.close();
  assert.equal(await acceptDamage(bench.disk, DIRECTORY), 1);
  await bench.crash();
  await bench.append("four");
  await bench.reopen();
  assert.equal(bench.log.stopped, undefined);
  assert.deepEqual(await texts(bench.log), ["1:two", "2:three", "3:four"]);
  assert.deepEqual(await bench.log.read(0, { count: 1, bytes: 1 }), {
    records: (await bench.log.read(1, { count: 1, bytes: 1 })).records,
    next: 2,
  });
});

test("a note of damage in which a bit was flipped withholds nothing else", async () => {
  await using bench = await openTestLog({ segmentBytesMax: 100 });
  await bench.append("one ".repeat(20), "two ".repeat(20), "three");
  bytesOf(bench)[30]! ^= 1;
  await bench.crash();
  const truth = await readEach(bench);
  assert.equal(truth[0], "LOG_DAMAGED");
  await bench.log.close();
  const note = bytesOf(bench, NOTE).slice();
  let [refused, harmless] = [0, 0];
  for (let bit = 0; bit < note.length * 8; bit++) {
    const bytes = note.slice();
    bytes[bit >>> 3]! ^= 1 << (bit & 7);
    bench.disk.files.set(NOTE, new MemoryContents(bytes));
    try {
      await bench.crash();
    } catch (error) {
      assert.ok(isMillraceError(error) && error.code === "LOG_DAMAGED", String(error));
      refused++;
      continue;
    }
    assert.deepEqual(await readEach(bench), truth, `bit ${bit}`);
    await bench.log.close();
    harmless++;
  }
  assert.ok(refused > harmless, `${refused} refused, ${harmless} harmless`);
});

test("a note of the first releases, without a checksum, and one accepted by hand are believed", async () => {
  await using bench = await threeGroups();
  bytesOf(bench)[30]! ^= 1;
  await bench.crash();
  await bench.log.close();
  const written: object = JSON.parse(Buffer.from(bytesOf(bench, NOTE)).toString());
  for (const contents of [
    { ...written, accepted: true },
    { ...written, accepted: true, crc32c: undefined },
  ]) {
    const bytes = Buffer.from(JSON.stringify(contents));
    bench.disk.files.set(NOTE, new MemoryContents(bytes));
    await bench.crash();
    assert.equal(bench.log.stopped, undefined);
    assert.deepEqual(await texts(bench.log), ["1:two", "2:three"]);
    await bench.log.close();
  }
  await bench.crash();
});

test("to accept one loss is not to accept the next", async () => {
  await using bench = await threeGroups();
  bytesOf(bench)[30]! ^= 1;
  await bench.crash();
  await bench.log.close();
  await acceptDamage(bench.disk, DIRECTORY);
  bytesOf(bench)[100]! ^= 1;
  await bench.crash();
  assert.notEqual(bench.log.stopped, undefined);
  assert.deepEqual(await readEach(bench), ["LOG_DAMAGED", "LOG_DAMAGED", "2:three"]);
});

test("a sealed segment without its sidecar is read, and removed like any other", async () => {
  await using bench = await openTestLog({ segmentBytesMax: 100 });
  await bench.append("one ".repeat(20), "two ".repeat(20), "three");
  bench.disk.files.delete(SIDECAR);
  await bench.crash();
  assert.equal((await readEach(bench))[0]?.slice(0, 5), "0:one");
  assert.equal(await bench.log.trimBefore(1), 1);
  assert.equal(bench.log.stopped, undefined);
});

test("damage in a sealed segment refuses its records and nothing else", async () => {
  await using bench = await openTestLog({ segmentBytesMax: 100 });
  await bench.append("one ".repeat(20), "two ".repeat(20), "three");
  bytesOf(bench)[30]! ^= 1;
  await bench.crash();
  const [first, second, third] = await readEach(bench);
  assert.deepEqual([first, second?.slice(0, 5), third], ["LOG_DAMAGED", "1:two", "2:three"]);
  await bench.append("four");
  await bench.reopen();
  assert.equal((await readEach(bench))[0], "LOG_DAMAGED");
  assert.equal(bench.log.stopped, undefined);
});

test("a segment that somebody removed from the middle is missed", async () => {
  await using bench = await openTestLog({ segmentBytesMax: 100 });
  await bench.append("one ".repeat(20), "two ".repeat(20), "three");
  bench.disk.files.delete(`${DIRECTORY}/00000000000000000001.log`);
  await bench.crash();
  const [first, second, third] = await readEach(bench);
  assert.deepEqual([first?.slice(0, 5), second, third], ["0:one", "LOG_DAMAGED", "2:three"]);
});
