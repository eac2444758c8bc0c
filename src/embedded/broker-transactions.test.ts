/** Transactions that came by the Kafka door, in a directory that is opened without it. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { openTestBroker, readAll, textOf, type TestBroker } from "./broker-stage.test.ts";
import { openTestEngine } from "./engine-stage.test.ts";
import { openTransactions } from "./kafka/transactions/open-transactions.ts";
import { transactionKey } from "./kafka/transactions/transaction-key.ts";
import { encodeTransaction } from "./kafka/transactions/transaction-state.ts";
import { createMemoryDisk, type MemoryDisk } from "./log/open-log.ts";
import { producedBatches } from "./log/producers/producer-stage.test.ts";

const TIMEOUT_MS = 60_000;
const ID = "payments";

/** A committed record, then one in a transaction that is open, or whose end is decided, when it ends. */
async function leaveTransaction(
  disk: MemoryDisk,
  { decided }: { decided: boolean },
): Promise<void> {
  await using stage = await openTestEngine(disk);
  const { coordinator, close } = await openTransactions(stage.engine);
  const { incarnation } = await stage.streams.ensureStream({ name: "orders", partitions: 1 });
  const log = stage.engine.streamStorage.logsOf(incarnation)[0]!;
  await log.append([{ key: null, headers: [], value: Buffer.from("before") }]).durable;
  const producer = await coordinator.init(ID, { timeoutMs: TIMEOUT_MS, known: undefined });
  const { producerId: id, epoch } = producer;
  await coordinator.add(ID, producer, { partitions: [{ topic: "orders", partition: 0 }] });
  const made = { id, epoch, sequence: 0, transactional: true };
  await log.appendBatches(producedBatches(made, "within")).durable;
  await log.append([{ key: null, headers: [], value: Buffer.from("behind") }]).durable;
  const state = coordinator.states.get(ID)!;
  await close();
  if (!decided) return;
  // The decision is durable, the markers are not: what a crash between the two leaves.
  const decision = encodeTransaction({ ...state, status: "prepare-commit" });
  await stage.engine.state.put(transactionKey(ID), decision);
}

const texts = async ({ streams }: TestBroker): Promise<string[]> =>
  (await readAll(streams, "orders")).map(textOf);

test("without a door, an open transaction holds readers back until its time is over, and no longer", async () => {
  const disk = createMemoryDisk();
  await leaveTransaction(disk, { decided: false });
  await using opened = await openTestBroker({ disk });
  const leaving = new AbortController();
  const followed: string[] = [];
  const following = (async (): Promise<void> => {
    const options = { partition: 0, from: "earliest", follow: true } as const;
    const { signal } = leaving;
    for await (const batch of opened.streams.read("orders", { ...options, signal })) {
      followed.push(...batch.map(textOf));
    }
  })().catch(() => undefined);
  const { clock } = opened.environment;
  await clock.advance(TIMEOUT_MS - 15_000);
  assert.deepEqual([await texts(opened), followed], [["before"], ["before"]]);
  await clock.advance(30_000);
  assert.deepEqual(
    [await texts(opened), followed],
    [
      ["before", "behind"],
      ["before", "behind"],
    ],
  );
  leaving.abort();
  await following;
  await opened.restart();
  assert.deepEqual(await texts(opened), ["before", "behind"]);
});

test("without a door, a transaction whose end is decided is completed when the directory is opened", async () => {
  const disk = createMemoryDisk();
  await leaveTransaction(disk, { decided: true });
  await using opened = await openTestBroker({ disk });
  assert.deepEqual(await texts(opened), ["before", "within", "behind"]);
});

test("a door that cannot open leaves the directory to the next opening", async () => {
  const disk = createMemoryDisk();
  await leaveTransaction(disk, { decided: false });
  const settings = { port: 0, tls: { key: "/missing/key.pem", cert: "/missing/cert.pem" } };
  await assert.rejects(openTestBroker({ disk, kafka: settings }), { code: "BAD_CONFIG" });
  await using opened = await openTestBroker({ disk });
  assert.deepEqual(await texts(opened), ["before"]);
});
