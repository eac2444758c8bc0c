/**
 * Golden directories: what released formats left on disk, opened by today's code.
 *
 * Each `test/golden/v<n>` is a broker directory as a killed process left it, a store's file, and
 * `expected.json`: what was put into them and acknowledged. None is ever made again (docs/upgrades.md).
 */

import assert from "node:assert/strict";
import {
  cpSync,
  globSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test, type TestContext } from "node:test";
import { gunzipSync } from "node:zlib";
import type { Broker } from "../src/broker/broker.ts";
import { embedded } from "../src/embedded/embedded.ts";
import { DIRECTORY_FORMAT } from "../src/embedded/log/directory/description.ts";
import { isMillraceError } from "../src/model/errors.ts";
import type { RawMessage } from "../src/model/message.ts";
import { valuesOf } from "../src/model/outcome.ts";
import type { Store } from "../src/store/store.ts";
import { sqlite } from "../src/stores/sqlite/sqlite.ts";
import { createTestEnvironment, type TestEnvironment } from "../src/testing/environment.ts";
import {
  readGroups,
  readQueueState,
  readStreamState,
  repeatEverything,
  type BrokerState,
} from "./golden/broker-state.ts";
import { readStoreState, type StoreState } from "./golden/store-state.ts";

interface Expected {
  readonly broker: BrokerState;
  readonly store: StoreState;
}

const GOLDEN = "test/golden";
const versions = readdirSync(GOLDEN).filter((name) => /^v\d+$/.test(name));
const newMessage: RawMessage = {
  key: "order-1",
  headers: [["ce_id", "new"]],
  value: Buffer.from("new"),
};

test("a directory of every format of the broker is kept as a golden one", (t) => {
  const formats = versions.map((version) => copyOf(t, version).expected.broker.format);
  const every = Array.from({ length: DIRECTORY_FORMAT }, (_, at) => at + 1);
  assert.deepEqual(
    [...new Set(formats)].toSorted((a, b) => a - b),
    every,
  );
});

for (const version of versions) {
  test(`${version}: streams come back byte for byte, with positions and known ids`, async (t) => {
    const { expected, directory } = copyOf(t, version);
    await using broker = await openBroker(directory, expected.broker);
    const streams = broker.streams!;
    for (const stream of expected.broker.streams) {
      const found = await readStreamState(streams, stream.spec.name);
      compare(t, `records of ${stream.spec.name}`, found.records, stream.records);
      assert.deepEqual(found, stream);
    }
    compare(t, "groups", await readGroups(streams), expected.broker.groups);
    const { answered, expected: places } = await repeatEverything(
      { streams, queues: broker.queues! },
      expected.broker,
    );
    compare(t, "messages that count as known", answered, places);
  });

  test(`${version}: once opened, the directory has today's format and the same cluster`, async (t) => {
    const { expected, directory } = copyOf(t, version);
    const file = join(directory, "millrace.json");
    const read = (): { format: number; cluster: string } => {
      const { format, cluster: named } = JSON.parse(readFileSync(file, "utf8"));
      return { format, cluster: named };
    };
    const [stream] = expected.broker.streams;
    const { cluster } = stream!;
    assert.deepEqual(read(), { format: expected.broker.format, cluster });
    await (await openBroker(directory, expected.broker)).close();
    assert.deepEqual(read(), { format: DIRECTORY_FORMAT, cluster });
    await using broker = await openBroker(directory, expected.broker);
    const { records } = await readStreamState(broker.streams!, stream!.spec.name);
    compare(t, "records after the upgrade", records, stream!.records);
  });

  test(`${version}: queues come back with attempts, delays and dead letters`, async (t) => {
    for (const queue of copyOf(t, version).expected.broker.queues) {
      // Looking moves the clock: each queue is looked at in a copy of its own.
      const { expected, directory } = copyOf(t, version);
      const environment = createTestEnvironment({ startMs: expected.broker.nowMs });
      await using broker = await openBroker(directory, expected.broker, environment);
      const found = await readQueueState({ queues: broker.queues!, environment }, queue);
      compare(t, `waiting in ${queue.spec.name}`, found.waiting, queue.waiting);
      compare(t, `dead letters of ${queue.spec.name}`, found.dead, queue.dead);
      assert.deepEqual(found, queue);
    }
  });

  test(`${version}: streams and queues take more, and keep it`, async (t) => {
    const { expected, directory } = copyOf(t, version);
    const [stream] = expected.broker.streams;
    const [queue] = expected.broker.queues;
    const append = async (broker: Broker) =>
      valuesOf(await broker.streams!.append(stream!.spec.name, [newMessage], { partition: 0 }))[0];
    const send = async (broker: Broker) =>
      valuesOf(await broker.queues!.send(queue!.spec.name, [{ message: newMessage }]))[0]!;
    const place = { partition: 0, offset: stream!.ends[0]! };
    let sequence: number;
    {
      await using broker = await openBroker(directory, expected.broker);
      assert.deepEqual(await append(broker), { ...place, duplicate: false });
      const sent = await send(broker);
      sequence = sent.sequence;
      assert.equal(sent.duplicate, false);
      assert.ok(queue!.sent.every((before) => before.sequence < sequence));
    }
    await using broker = await openBroker(directory, expected.broker);
    assert.deepEqual(await append(broker), { ...place, duplicate: true });
    assert.deepEqual(await send(broker), { sequence, duplicate: true });
    const { records } = await readStreamState(broker.streams!, stream!.spec.name);
    assert.equal(records.length, stream!.records.length + 1);
  });

  test(`${version}: a store comes back table for table`, async (t) => {
    const { expected, storeFile } = copyOf(t, version);
    await using store = await openStore(storeFile, expected.store);
    const found = await readStoreState(store, expected.store);
    for (const part of ["collections", "events", "inputs", "lanes", "parked"] as const) {
      compare(t, part, asJson(found[part]), expected.store[part]);
    }
    if (found.timed !== undefined) {
      compare(t, "timers", asJson(found.timed.timers), expected.store.timed!.timers);
      compare(t, "answers", found.timed.effects, expected.store.timed!.effects);
    }
    assert.deepEqual(asJson(found), expected.store);
  });

  test(`${version}: a store goes on where it stood`, async (t) => {
    const { expected, storeFile } = copyOf(t, version);
    await using store = await openStore(storeFile, expected.store);
    const [collection] = expected.store.collections;
    const [document] = collection!.documents;
    const [input] = expected.store.inputs;
    const [lane] = expected.store.lanes;
    const published = lane!.rows.map((row) => row.firstSequence + row.messages.length);
    const { position, log } = input!.progress!;
    const [key, { high, holes }] = input!.lanes[0]!;
    const [source, epoch, name] = JSON.parse(key);
    const mark = (sequence: number) => ({ source, epoch, lane: name, sequence });
    const outgoing = [{ target: { kind: "stream", name: "orders" }, message: newMessage }] as const;
    const outcome = await store.apply({
      input: { consumer: input!.consumer, input: input!.input, epoch: input!.epoch, log },
      lane: lane!.lane,
      sets: [
        { key: "known id", finishes: [{ offset: 1_000, id: input!.seen[0]! }], outgoing },
        { key: "known place", finishes: [{ offset: 1_001, mark: mark(high), id: "x" }], outgoing },
        {
          key: "hole",
          finishes: [{ offset: position, mark: mark(holes[0]!), id: "y" }],
          documents: [
            {
              collection: collection!.name,
              id: document!.id,
              expected: document!.version,
              json: "{}",
            },
          ],
          events: [{ entity: "new", expected: 0, events: [newMessage] }],
          outgoing,
        },
      ],
    });
    const statuses = outcome.sets.map(({ status }) => status);
    assert.deepEqual(statuses, ["duplicate", "duplicate", "applied"]);
    assert.equal(outcome.sequences?.from, Math.max(...published));
    assert.ok(outcome.position! > position);
    const events = await store.readEvents();
    assert.equal(events.at(-1)?.sequence, expected.store.events.length + 1);
  });

  test(`${version}: a store that was opened has the tables that a new one has`, async (t) => {
    const { expected, root, storeFile } = copyOf(t, version);
    const fresh = join(root, "fresh.db");
    for (const file of [storeFile, fresh]) await (await openStore(file, expected.store)).close();
    compare(t, "tables and indexes", schemaOf(storeFile), schemaOf(fresh));
  });

  test(`${version}: a directory of a newer format is refused and left untouched`, async (t) => {
    const { expected, directory } = copyOf(t, version);
    // A newer release may have changed everything but the place of its number.
    writeFileSync(join(directory, "millrace.json"), '{"format":99}\n');
    const before = bytesBelow(directory);
    await assert.rejects(openBroker(directory, expected.broker), (error) =>
      isMillraceError(error, "DIRECTORY_VERSION"),
    );
    compare(t, "files", bytesBelow(directory), before);
  });

  test(`${version}: a store of a newer format is refused and left untouched`, async (t) => {
    const { expected, storeFile, root } = copyOf(t, version);
    const newer = new DatabaseSync(storeFile);
    newer.exec("PRAGMA user_version = 99");
    newer.close();
    const before = bytesBelow(root);
    await assert.rejects(openStore(storeFile, expected.store), (error) =>
      isMillraceError(error, "DIRECTORY_VERSION"),
    );
    compare(t, "files", bytesBelow(root), before);
  });
}

interface GoldenCopy {
  readonly expected: Expected;
  readonly root: string;
  readonly directory: string;
  readonly storeFile: string;
}

function copyOf(t: TestContext, version: string): GoldenCopy {
  const root = mkdtempSync(join(tmpdir(), "millrace-golden-"));
  t.after(() => rmSync(root, { recursive: true }));
  const golden = join(GOLDEN, version);
  const directory = join(root, "broker");
  const storeFile = join(root, "shop.db");
  cpSync(join(golden, "broker"), directory, { recursive: true });
  writeFileSync(storeFile, gunzipSync(readFileSync(join(golden, "store.db.gz"))));
  const expected: Expected = JSON.parse(readFileSync(join(golden, "expected.json"), "utf8"));
  return { expected, root, directory, storeFile };
}

function openBroker(
  directory: string,
  { nowMs }: BrokerState,
  environment: TestEnvironment = createTestEnvironment({ startMs: nowMs }),
): Promise<Broker> {
  return embedded({ directory, freeBytesMin: 0, segmentBytesMax: 4096 }).open(environment);
}

function openStore(file: string, { nowMs }: StoreState): Promise<Store> {
  const environment = createTestEnvironment({ startMs: nowMs });
  return sqlite({ file }).open({ service: "shop", environment });
}

/** Without the tables of collections, which are made as they are asked for. */
function schemaOf(file: string): unknown[] {
  const database = new DatabaseSync(file);
  const rows = database
    .prepare("SELECT name, sql FROM sqlite_schema WHERE tbl_name NOT GLOB 'collection_*'")
    .all();
  database.close();
  return rows.map(({ name, sql }) => ({ name, sql: String(sql).replaceAll(/\s+/g, " ") }));
}

function bytesBelow(directory: string): (readonly [path: string, base64: string])[] {
  const files = globSync("**", { cwd: directory, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  return files
    .map(({ parentPath, name }) => join(parentPath, name))
    .toSorted()
    .map((path) => [path, readFileSync(path, "base64")]);
}

function compare(
  t: TestContext,
  what: string,
  found: readonly unknown[],
  expected: readonly unknown[],
): void {
  assert.deepEqual(found, expected);
  assert.ok(expected.length > 0, `no ${what} to compare`);
  t.diagnostic(`${expected.length} ${what} compared`);
}

/** Drops what JSON has no word for: a field that is there and undefined. */
function asJson<Value>(value: Value): Value {
  return JSON.parse(JSON.stringify(value));
}
