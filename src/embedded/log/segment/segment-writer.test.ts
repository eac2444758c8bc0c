/** What a segment's writer counts as synced, where groups stand in the commit journal. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { createSyncGate } from "../commit/sync-gate.ts";
import type { Disk } from "../disk.ts";
import { createMemoryDisk, systemError, type MemoryDisk } from "../disks/memory-disk.ts";
import { readSidecar } from "../format/group-boundary.ts";
import { placeBatch } from "../format/wire-batch.ts";
import { withFiles } from "../journal/journal-stage.test.ts";
import { wireBatches } from "../log-stage.test.ts";
import { createSegment, type SegmentWriter, type WrittenGroup } from "./segment-writer.ts";

const DIRECTORY = "/data/0";
const LOG = `${DIRECTORY}/00000000000000000000.log`;
const BEGINNING = { baseOffset: 0, producers: false, logStart: 0 };

/** A group of one batch of one record. */
function groupAt(offset: number): WrittenGroup {
  const [batch] = wireBatches(`record ${offset}`);
  placeBatch(batch!, offset);
  const { bytes } = batch!;
  const times = { oldestMs: 1, newestMs: 1 };
  const batches = [{ bytes, baseOffset: offset, newestMs: 1 }];
  return { batches, bytes: bytes.length, nextOffset: offset + 1, producers: false, ...times };
}

async function open(disk: Disk): Promise<SegmentWriter> {
  await disk.makeDirectory(DIRECTORY);
  return createSegment({ disk, syncGate: createSyncGate() }, DIRECTORY, BEGINNING);
}

function boundaryIn(disk: MemoryDisk): readonly number[] {
  const boundary = readSidecar(disk.files.get(LOG.replace(/log$/, "groups"))!.bytes)!;
  return [boundary.bytes, boundary.nextOffset];
}

test("a group that is refused after a sync beside it was never counted as synced", async () => {
  const disk = createMemoryDisk();
  const writer = await open(disk);
  const first = groupAt(0);
  await writer.write(first, false);
  writer.journalled();
  await writer.write(groupAt(1), false);
  // The half of the first one's entry is wanted again, while the second one's entry is on its way.
  await writer.syncJournalled();
  assert.ok(writer.isHome(0) && writer.hasUnsynced && writer.hasUndurable);
  await writer.bound();
  assert.deepEqual(boundaryIn(disk), [first.bytes, 1]);
  // A full disk refuses that entry.
  writer.takeBack();
  await writer.cutUnwritten();
  assert.equal(disk.files.get(LOG)!.size, first.bytes);
  assert.ok(!writer.hasUnsynced && writer.isHome(first.bytes));
  await writer.write(groupAt(1), true);
  await writer.bound();
  assert.deepEqual(boundaryIn(disk), [2 * first.bytes, 2]);
  await writer.close();
});

test("what stands in the journal is written once more after a full disk has refused its sync", async () => {
  const disk = createMemoryDisk();
  let full = false;
  const written: (readonly [bytes: number, position: number])[] = [];
  const failing = withFiles(disk, LOG, (file) => ({
    write: async (buffers, position) => {
      const bytes = buffers.reduce((sum, buffer) => sum + buffer.length, 0);
      written.push([bytes, position]);
      await file.write(buffers, position);
    },
    sync: () => (full ? Promise.reject(systemError("ENOSPC", "fdatasync")) : file.sync()),
  }));
  const writer = await open(failing);
  const first = groupAt(0);
  await writer.write(first, false);
  writer.journalled();
  full = true;
  await assert.rejects(writer.syncJournalled(), { code: "ENOSPC" });
  assert.ok(writer.hasUnsynced);
  full = false;
  await writer.syncJournalled();
  assert.ok(!writer.hasUnsynced);
  assert.deepEqual(written, [
    [first.bytes, 0],
    [first.bytes, 0],
  ]);
  await writer.syncJournalled();
  assert.equal(written.length, 2, "once");
  await writer.close();
});

test("bytes that a full disk has lost are not synced in what they were, and the journal alone has them", async () => {
  const disk = createMemoryDisk();
  let full = true;
  const failing = withFiles(disk, LOG, (file) => ({
    sync: async () => {
      if (!full) return file.sync();
      // The kernel drops the pages that it could not write.
      disk.files.get(LOG)!.bytes.fill(0);
      throw systemError("ENOSPC", "fdatasync");
    },
  }));
  const writer = await open(failing);
  await writer.write(groupAt(0), false);
  writer.journalled();
  await assert.rejects(writer.syncJournalled(), { code: "ENOSPC" });
  full = false;
  await assert.rejects(writer.syncJournalled(), /were lost when the disk was full/);
  assert.ok(writer.hasUnsynced && !writer.isHome(1));
  await writer.close();
});
