/** What strangers may write into a stream, and what becomes of it at a service: it stops nobody. */

import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { event, openApp, service, stream, view, type App } from "millrace";
import { embedded } from "millrace/embedded";
import { sqlite } from "millrace/sqlite";
import { z } from "zod";
import { AT } from "../src/embedded/log/format/batch-layout.ts";
import { crc32c } from "../src/embedded/log/format/crc32c.ts";
import { splitBatches } from "../src/embedded/log/format/wire-batch.ts";
import { wireBytes } from "../src/embedded/log/log-stage.test.ts";
import {
  createNodeDisk,
  openLogEnvironment,
  openPartitionLog,
  type AppendRecord,
} from "../src/embedded/log/open-log.ts";
import { createTestEnvironment } from "../src/testing/environment.ts";

const Counted = event("counted", z.object({ key: z.string(), n: z.number() }), {
  key: ({ key }) => key,
});
const numbers = stream("numbers", { Counted }, { partitions: 1 });
const sums = view("sums", { from: numbers, initial: { sum: 0 } }).evolve({
  Counted: ({ sum }, { n }) => ({ sum: sum + n }),
});

async function temporary(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "millrace-unreadable-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

function open(directory: string): Promise<App> {
  return openApp({
    services: [service("adder", { sums })],
    broker: embedded({ directory: join(directory, "broker"), freeBytesMin: 0 }),
    store: sqlite({ directory: join(directory, "stores") }),
    log: { level: "error" },
  });
}

/** Appends batches as the Kafka door does. The broker must be closed. */
async function appendBatches(directory: string, batches: readonly Buffer[]): Promise<void> {
  const streams = join(directory, "broker", "streams", "numbers");
  const [incarnation] = await readdir(streams);
  const { clock, log: facts } = createTestEnvironment({ startMs: Date.now() });
  const disk = createNodeDisk();
  const environment = await openLogEnvironment({
    disk,
    clock,
    log: facts,
    directory,
    freeBytesMin: 0,
  });
  const log = await openPartitionLog(environment, {
    directory: join(streams, incarnation!, "0"),
    durability: { mode: "fsync" },
    retention: {},
  });
  for (const batch of batches) await log.appendBatches(splitBatches(batch)).durable;
  await log.close();
}

function unknownCodec(records: readonly AppendRecord[]): Buffer {
  const batch = wireBytes(records);
  batch.writeInt16BE(7, AT.attributes);
  batch.writeUInt32BE(crc32c(batch, AT.attributes), AT.crc);
  return batch;
}

test("a batch that nobody can read is parked with its cause, and what follows is handled", async (t) => {
  const directory = await temporary(t);
  {
    await using app = await open(directory);
    await app.publish([Counted({ key: "a", n: 1 })]);
    await app.settled();
  }
  const plain = { key: null, headers: [], value: Buffer.from("x") };
  await appendBatches(directory, [unknownCodec([plain, plain, plain])]);
  await using app = await open(directory);
  await app.publish([Counted({ key: "a", n: 10 })]);
  await app.settled();
  const { documents } = await app.find(sums);
  assert.deepEqual(documents, [{ id: "a", data: { sum: 11 } }]);

  const shown = [];
  for await (const record of app.admin.read("numbers", { from: "start" })) shown.push(record);
  assert.deepEqual(
    shown.map(({ offset, undecodable }) => [offset, undecodable?.code]),
    [
      [0, undefined],
      [1, "UNSUPPORTED_CONTENT"],
      [4, undefined],
    ],
  );
  assert.match(shown[1]!.undecodable!.message, /unknown compression codec 7/);

  const failures = await app.admin.listFailures();
  assert.equal(failures.length, 1);
  assert.equal(failures[0]!.cause?.code, "UNSUPPORTED_CONTENT");
  assert.match(failures[0]!.cause?.message, /unknown compression codec 7/);
});

test("messages beyond our own limits are parked or handled, and stop nobody", async (t) => {
  const directory = await temporary(t);
  await (await open(directory)).close();
  const headers = Array.from({ length: 500 }, (_, n): [string, string] => [`h${n}`, "v"]);
  await appendBatches(directory, [
    wireBytes([{ key: "k".repeat(100_000), headers, value: Buffer.alloc(5 * 1024 * 1024, 1) }]),
    wireBytes([{ key: "wide", headers: [["h".repeat(60_000), "v".repeat(60_000)]], value: null }]),
    wireBytes([{ key: Buffer.of(0xff, 0), headers: [["", Buffer.of(0xfe)]], value: null }]),
  ]);
  await using app = await open(directory);
  await app.publish([Counted({ key: "a", n: 10 })]);
  await app.settled();
  const { documents } = await app.find(sums);
  assert.deepEqual(documents, [{ id: "a", data: { sum: 10 } }]);
  const failures = await app.admin.listFailures();
  assert.equal(failures.length, 3);
});
