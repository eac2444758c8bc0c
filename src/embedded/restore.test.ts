/** What a restored directory makes of the transactional ids that are in its backup. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { createTestEnvironment } from "../testing/environment.ts";
import { openTestEngine, type TestEngine } from "./engine-stage.test.ts";
import { ERROR } from "./kafka/error-codes.ts";
import { Topics } from "./kafka/topics/topics.ts";
import { openTransactions, type Transactions } from "./kafka/transactions/open-transactions.ts";
import type { ProducerAnswer } from "./kafka/transactions/transaction-coordinator.ts";
import { transactionKey } from "./kafka/transactions/transaction-key.ts";
import type { Producer } from "./kafka/transactions/transaction-machine.ts";
import {
  EPOCH_MAX,
  encodeTransaction,
  type TransactionState,
} from "./kafka/transactions/transaction-state.ts";
import type { BatchLog } from "./log/batch-log.ts";
import { createMemoryDisk, type MemoryDisk } from "./log/open-log.ts";
import { producedBatches } from "./log/producers/producer-stage.test.ts";
import { fenceLostLife } from "./restore.ts";

const ID = "pay";
const PLACE = { topic: "t", partition: 0 };
const NEW_PRODUCER = { timeoutMs: 60_000, known: undefined };

interface Life {
  readonly stage: TestEngine;
  readonly transactions: Transactions;
  readonly log: BatchLog;
}

/** A broker's life on the disk, from its start to its end in order. */
async function live<Result>(
  disk: MemoryDisk,
  during: (life: Life) => Promise<Result>,
): Promise<Result> {
  await using stage = await openTestEngine(disk);
  const { incarnation } = await stage.streams.ensureStream({ name: "t", partitions: 1 });
  const log = stage.engine.streamStorage.logsOf(incarnation)[0]!;
  const transactions = await openTransactions(stage.engine);
  try {
    return await during({ stage, transactions, log });
  } finally {
    await transactions.close();
  }
}

async function restoreOn(disk: MemoryDisk): Promise<void> {
  const lock = () => ({ release: () => {} });
  await fenceLostLife(createTestEnvironment(), { directory: "/data", disk, lock });
}

async function append(log: BatchLog, producer: Producer, text: string): Promise<void> {
  const made = {
    id: producer.producerId,
    epoch: producer.epoch,
    sequence: 0,
    transactional: true,
  };
  await log.appendBatches(producedBatches(made, text)).durable;
}

async function committed({ stage, log }: Life): Promise<readonly string[]> {
  assert.equal(log.stableEnd, log.end, "readers are held back");
  const found: string[] = [];
  for await (const batch of stage.streams.read("t", { partition: 0, from: "earliest" })) {
    found.push(...batch.map(({ value }) => Buffer.from(value ?? []).toString()));
  }
  return found;
}

/** Nothing that it may ask of the coordinator is done for it. */
async function expectFenced({ coordinator }: Transactions, producer: Producer): Promise<void> {
  const fenced = [ERROR.PRODUCER_FENCED, ERROR.INVALID_PRODUCER_ID_MAPPING] as readonly number[];
  const { producerId, epoch } = producer;
  const errors = [
    await coordinator.add(ID, producer, { partitions: [PLACE] }),
    coordinator.admit(ID, producer, PLACE, { adds: true }).error,
    await coordinator.commitOffsets(ID, producer, {
      group: "g",
      positions: [],
      mayCommit: () => ERROR.NONE,
    }),
    (await coordinator.end(ID, producer, { committed: true, raises: false })).error,
    (await coordinator.end(ID, producer, { committed: true, raises: true })).error,
    (await coordinator.end(ID, producer, { committed: false, raises: true })).error,
    (await coordinator.init(ID, { ...NEW_PRODUCER, known: producer })).error,
  ];
  assert.ok(
    errors.every((error) => fenced.includes(error)),
    `${producerId}/${epoch} is answered ${errors.join(", ")}`,
  );
}

test("a producer of the lost life cannot end the transaction of the restored life's producer", async () => {
  const init = ({ transactions }: Life): Promise<ProducerAnswer> =>
    transactions.coordinator.init(ID, NEW_PRODUCER);
  // The same twice: what the backup holds, and the life from which it was taken.
  const [backup, lost] = [createMemoryDisk(), createMemoryDisk()];
  const known = await live(backup, init);
  assert.deepEqual(await live(lost, init), known);
  const before = await live(lost, init);
  assert.deepEqual([before.producerId, before.epoch], [known.producerId, known.epoch + 1]);
  await restoreOn(backup);
  await live(backup, async (life) => {
    const { transactions, log } = life;
    const { coordinator } = transactions;
    for (const one of [known, before]) await expectFenced(transactions, one);
    const now = await init(life);
    assert.ok(now.producerId >= 1_000_000_000, "its id is one that the lost life did not reach");
    assert.equal(await coordinator.add(ID, now, { partitions: [PLACE] }), ERROR.NONE);
    await append(log, now, "half");
    for (const one of [known, before]) await expectFenced(transactions, one);
    assert.ok(log.stableEnd < log.end, "it is open still");
    const end = await coordinator.end(ID, now, { committed: true, raises: false });
    assert.equal(end.error, ERROR.NONE);
    assert.deepEqual(await committed(life), ["half"]);
  });
});

const OWNER = { producerId: 7, epoch: 3 };
const ONGOING: TransactionState = {
  ...OWNER,
  status: "ongoing",
  last: { ...OWNER, epoch: 2 },
  next: undefined,
  timeoutMs: 60_000,
  partitions: [PLACE],
  groups: ["g"],
  startedMs: 0,
  updatedMs: 0,
};
const RAISED = { ...OWNER, epoch: 4 };
const SECOND: Partial<TransactionState> = { epoch: 4, last: OWNER, next: RAISED };

/** What a backup can hold of a transaction whose batch is in its partition, and how that ends. */
const LEFT: Readonly<Record<string, readonly [Partial<TransactionState>, committed: boolean]>> = {
  "is open": [{}, false],
  "is open, with a partition of which nobody knows": [{ partitions: [] }, false],
  "is open, with the last epoch there is": [{ epoch: EPOCH_MAX }, false],
  "begins, and nobody knows yet": [{ status: "empty", partitions: [], groups: [] }, false],
  "is being committed": [{ status: "prepare-commit" }, true],
  "is being aborted": [{ status: "prepare-abort" }, false],
  "is being committed, under a raised epoch": [{ status: "prepare-commit", ...SECOND }, true],
  "is being committed, its epochs used up": [
    { status: "prepare-commit", ...SECOND, next: { producerId: 8, epoch: 0 } },
    true,
  ],
};

for (const [title, [left, commits]] of Object.entries(LEFT)) {
  test(`a transaction that ${title} is ${commits ? "committed" : "aborted"} after a restore, and its producers are fenced`, async () => {
    const disk = createMemoryDisk();
    const state = { ...ONGOING, ...left };
    await live(disk, async ({ stage: { engine }, transactions, log }) => {
      await append(log, state.last === OWNER ? OWNER : state, "v");
      const topicId = new Topics(engine).find("t")!.id;
      const position = { stream: "t", topicId, partition: 0, offset: 5 };
      if (state.groups.length > 0) await transactions.offsets.add(ID, "g", [position]);
      await engine.state.put(transactionKey(ID), encodeTransaction(state));
    });
    await restoreOn(disk);
    await live(disk, async (life) => {
      const { stage, transactions } = life;
      assert.deepEqual(await committed(life), commits ? ["v"] : []);
      const position = stage.engine.streamStorage.storedPosition("g", "t", 0);
      assert.equal(position?.offset, commits ? 5 : undefined);
      const owners = [OWNER, RAISED, { ...OWNER, epoch: 5 }, { ...OWNER, epoch: EPOCH_MAX }];
      for (const one of [...owners, { producerId: 8, epoch: 0 }]) {
        await expectFenced(transactions, one);
      }
      const { error, producerId } = await transactions.coordinator.init(ID, NEW_PRODUCER);
      assert.equal(error, ERROR.NONE);
      assert.ok(producerId >= 1_000_000_000, `${producerId} is fresh`);
    });
  });
}

test("transactional ids of any number and size are fenced", async () => {
  const disk = createMemoryDisk();
  const topic = "t".repeat(200);
  const partitions = Array.from({ length: 2_000 }, (_, partition) => ({ topic, partition }));
  const ids = Array.from({ length: 100 }, (_, at) => `pay-${at}`);
  await live(disk, async ({ stage }) => {
    const text = encodeTransaction({ ...ONGOING, status: "prepare-commit", partitions });
    for (const id of ids) await stage.engine.state.put(transactionKey(id), text);
  });
  await restoreOn(disk);
  await live(disk, async ({ transactions }) => {
    const { states } = transactions.coordinator;
    const found = ids.map((id) => states.get(id)).map((one) => [one?.status, one?.epoch]);
    assert.deepEqual(
      found,
      ids.map(() => ["complete-commit", EPOCH_MAX + 1]),
    );
  });
});
