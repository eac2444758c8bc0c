import assert from "node:assert/strict";
import { test } from "node:test";
import { wireBatches } from "../log-stage.test.ts";
import { placeBatch } from "../format/wire-batch.ts";
import { readJournal } from "./journal-contents.ts";
import {
  ALIGNED_BYTES,
  encodeHead,
  encodeTable,
  idBytes,
  isPartIntact,
  readEntry,
  readHead,
  tableBytes,
  type JournalPart,
} from "./journal-entry.ts";

const ID = idBytes("01941f29-7c00-7000-8000-000000000001");
const HALF_BYTES = 2048;

function batchOf(offset: number, value: string): Buffer {
  const [batch] = wireBatches(value);
  placeBatch(batch!, offset);
  return batch!.bytes;
}

function partOf(path: string, batches: Buffer, offset: number): JournalPart {
  return {
    path,
    baseOffset: 0,
    position: 4096,
    bytes: batches.length,
    firstOffset: offset,
    nextOffset: offset + 1,
    oldestMs: 1_735_689_600_000,
    newestMs: 1_735_689_600_001,
    producers: true,
  };
}

interface Written {
  readonly at: number;
  readonly sequence: number;
  readonly neededFrom: number;
}

/** A journal with an entry of one batch at each of the places. */
function journalOf(...entries: readonly Written[]): Buffer {
  const journal = Buffer.alloc(ALIGNED_BYTES + 2 * HALF_BYTES);
  encodeHead({ id: ID, halfBytes: HALF_BYTES }).copy(journal);
  for (const { at, ...numbers } of entries) {
    const batches = batchOf(numbers.sequence, `entry ${numbers.sequence}`);
    const parts = [partOf("streams/orders/i/0", batches, numbers.sequence)];
    Buffer.concat([encodeTable(ID, { ...numbers, parts }), batches]).copy(journal, at);
  }
  return journal;
}

function sequencesOf(journal: Buffer): readonly number[] {
  return readJournal(journal).entries.map(({ sequence }) => sequence);
}

test("a head and an entry are read as they were written", () => {
  assert.deepEqual(readHead(encodeHead({ id: ID, halfBytes: HALF_BYTES })), {
    id: ID,
    halfBytes: HALF_BYTES,
  });
  const batches = [batchOf(7, "one"), batchOf(2 ** 40, "two")];
  const parts = [partOf("state", batches[0]!, 7), partOf("streams/ü/i/3", batches[1]!, 2 ** 40)];
  const table = encodeTable(ID, { sequence: 12, neededFrom: 9, parts });
  assert.equal(table.length, tableBytes(2, Buffer.byteLength("statestreams/ü/i/3")));
  const read = readEntry(Buffer.concat([table, ...batches]), 0, ID);
  assert.deepEqual(read, {
    sequence: 12,
    neededFrom: 9,
    parts: parts.map((part, index) => ({ ...part, batches: batches[index] })),
  });
  assert.ok(read.parts.every(isPartIntact));
});

test("a flipped bit anywhere in an entry is seen", () => {
  const batches = batchOf(3, "a value");
  const table = encodeTable(ID, { sequence: 1, neededFrom: 1, parts: [partOf("p", batches, 3)] });
  const whole = Buffer.concat([table, batches]);
  let flips = 0;
  for (let at = 0; at < whole.length; at++) {
    for (let bit = 0; bit < 8; bit++) {
      const flipped = Buffer.from(whole);
      flipped[at]! ^= 1 << bit;
      const entry = readEntry(flipped, 0, ID);
      assert.ok(entry === undefined || !entry.parts.every(isPartIntact), `byte ${at}, bit ${bit}`);
      flips++;
    }
  }
  assert.equal(flips, whole.length * 8);
});

test("an entry that was cut short anywhere is not whole", () => {
  const batches = batchOf(3, "a value");
  const table = encodeTable(ID, { sequence: 1, neededFrom: 1, parts: [partOf("p", batches, 3)] });
  const whole = Buffer.concat([table, batches]);
  for (let length = 0; length < whole.length; length++) {
    const entry = readEntry(whole.subarray(0, length), 0, ID);
    assert.ok(entry === undefined || !entry.parts.every(isPartIntact), `${length} bytes`);
  }
});

test("what bears another journal's id is not taken for an entry", () => {
  const other = idBytes("01941f29-7c00-7000-8000-000000000002");
  const table = encodeTable(other, { sequence: 1, neededFrom: 1, parts: [] });
  assert.equal(readEntry(table, 0, ID), undefined);
  assert.equal(readEntry(table, 0, other)?.sequence, 1);
});

test("entries are told by their sequence, and those that are not needed any more are left out", () => {
  const journal = journalOf(
    { at: 512, sequence: 5, neededFrom: 4 },
    // Of the half's earlier use.
    { at: 1024, sequence: 2, neededFrom: 1 },
    { at: 2560, sequence: 3, neededFrom: 1 },
    { at: 3072, sequence: 4, neededFrom: 3 },
  );
  assert.deepEqual(sequencesOf(journal), [4, 5]);
  assert.deepEqual(readJournal(journal).damage, []);
});

test("a torn last entry ends the journal and is no damage", () => {
  const journal = journalOf(
    { at: 512, sequence: 1, neededFrom: 1 },
    { at: 1024, sequence: 2, neededFrom: 1 },
  );
  journal.fill(0, 1024 + tableBytes(1, 18) + 20, 1536);
  assert.deepEqual(sequencesOf(journal), [1]);
  assert.deepEqual(readJournal(journal).damage, []);
});

test("a damaged entry with an intact one behind it is damage, and the later one is read", () => {
  const three = [
    { at: 512, sequence: 1, neededFrom: 1 },
    { at: 1024, sequence: 2, neededFrom: 1 },
    { at: 1536, sequence: 3, neededFrom: 1 },
  ];
  const inBatches = journalOf(...three);
  inBatches[1024 + tableBytes(1, 18) + 30]! ^= 1;
  const { entries, damage } = readJournal(inBatches);
  assert.deepEqual(damage, ["entry 2 is damaged in streams/orders/i/0, offsets 2 to 2"]);
  assert.deepEqual(
    entries.map(({ parts }) => parts[0]!.intact),
    [true, false, true],
  );
  const inTable = journalOf(...three);
  inTable[1024 + 30]! ^= 1;
  assert.deepEqual(sequencesOf(inTable), [1, 3]);
  assert.deepEqual(readJournal(inTable).damage, ["entry 2 is not there"]);
});

test("a journal whose head is not whole is damaged, an empty one is not", () => {
  assert.deepEqual(readJournal(journalOf()), { entries: [], damage: [] });
  const journal = journalOf({ at: 512, sequence: 1, neededFrom: 1 });
  journal[9]! ^= 1;
  assert.equal(readJournal(journal).damage.length, 1);
});
