/** What the coordinator makes of each state that a crash can leave, in both protocols. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { openTestEngine, type TestEngine } from "../../engine-stage.test.ts";
import type { BatchLog } from "../../log/batch-log.ts";
import { createMemoryDisk, type MemoryDisk } from "../../log/open-log.ts";
import { producedBatches } from "../../log/producers/producer-stage.test.ts";
import { ERROR } from "../error-codes.ts";
import { openTransactions, type Transactions } from "./open-transactions.ts";
import { TransactionOffsets } from "./transaction-offsets.ts";
import { transactionKey } from "./transaction-key.ts";
import { encodeTransaction, type TransactionState } from "./transaction-state.ts";

const ID = "payments";
const PRODUCER = { producerId: 7, epoch: 3 };
const PARTITIONS = [0, 1, 2];
const TIMEOUT_MS = 60_000;

const ONGOING: TransactionState = {
  ...PRODUCER,
  status: "ongoing",
  last: undefined,
  next: undefined,
  timeoutMs: TIMEOUT_MS,
  partitions: PARTITIONS.map((partition) => ({ topic: "t", partition })),
  groups: ["g"],
  startedMs: 0,
  updatedMs: 0,
};
const RAISED = { ...PRODUCER, epoch: PRODUCER.epoch + 1 };

/** How each protocol writes down that the end is decided. */
const DECISIONS: Readonly<Record<string, Partial<TransactionState>>> = {
  "first protocol": {},
  "second protocol": { epoch: RAISED.epoch, last: PRODUCER, next: RAISED },
  // The epoch for the marker alone: whoever comes next takes another.
  "fenced by the timeout": { epoch: RAISED.epoch },
  "epochs used up": { epoch: RAISED.epoch, last: PRODUCER, next: { producerId: 8, epoch: 0 } },
};

async function logsOf({ streams, engine }: TestEngine): Promise<readonly BatchLog[]> {
  const { incarnation } = await streams.ensureStream({ name: "t", partitions: PARTITIONS.length });
  return engine.streamStorage.logsOf(incarnation);
}

async function valuesIn({ streams }: TestEngine, partition: number): Promise<string[]> {
  const found: string[] = [];
  for await (const batch of streams.read("t", { partition, from: "earliest" })) {
    found.push(...batch.map(({ value }) => Buffer.from(value ?? []).toString()));
  }
  return found;
}

interface Left {
  /** What the state log says; nothing where it does not know the transaction. */
  readonly state: TransactionState | undefined;
  /** The marker that the first partitions have already. */
  readonly marker: { readonly epoch: number; readonly kind: "commit" | "abort" };
  readonly marked: number;
}

/** A batch of the transaction in each partition, and an offset in it; then what the case says. */
async function leave(disk: MemoryDisk, { state, marker, marked }: Left): Promise<void> {
  await using stage = await openTestEngine(disk);
  const offsets = new TransactionOffsets(stage.engine.state);
  const position = { stream: "t", partition: 0, offset: 5 };
  if (state?.groups.length) await offsets.add(ID, "g", [position]);
  const made = { id: PRODUCER.producerId, epoch: PRODUCER.epoch, sequence: 0, transactional: true };
  for (const [partition, log] of (await logsOf(stage)).entries()) {
    await log.appendBatches(producedBatches(made, `v${partition}`)).durable;
    if (partition >= marked) continue;
    const { epoch: producerEpoch, kind } = marker;
    const { producerId } = PRODUCER;
    await log.appendMarker({ producerId, producerEpoch, kind, coordinatorEpoch: 0 }).durable;
  }
  if (state !== undefined) {
    const { startedMs } = state;
    const nowMs = stage.environment.clock.now();
    const dated = { ...state, startedMs: startedMs + nowMs, updatedMs: nowMs };
    await stage.engine.state.put(transactionKey(ID), encodeTransaction(dated));
  }
}

async function recovered(
  disk: MemoryDisk,
  look: (stage: TestEngine, transactions: Transactions) => Promise<void>,
): Promise<void> {
  await using stage = await openTestEngine(disk);
  const transactions = await openTransactions(stage.engine);
  try {
    await look(stage, transactions);
  } finally {
    await transactions.close();
  }
}

async function assertEnded(stage: TestEngine, committed: boolean): Promise<void> {
  for (const [partition, log] of (await logsOf(stage)).entries()) {
    assert.equal(log.stableEnd, log.end, `partition ${partition} holds readers back`);
    const wanted = committed ? [`v${partition}`] : [];
    assert.deepEqual(await valuesIn(stage, partition), wanted);
  }
  const position = stage.engine.streamStorage.storedPosition("g", "t", 0);
  assert.equal(position?.offset, committed ? 5 : undefined);
}

for (const [protocol, decision] of Object.entries(DECISIONS)) {
  for (const kind of ["commit", "abort"] as const) {
    if (protocol === "fenced by the timeout" && kind === "commit") continue;
    for (let marked = 0; marked <= PARTITIONS.length; marked++) {
      test(`a decided ${kind} with ${marked} of 3 markers written is completed: ${protocol}`, async () => {
        const disk = createMemoryDisk();
        const state: TransactionState = { ...ONGOING, ...decision, status: `prepare-${kind}` };
        await leave(disk, { state, marked, marker: { epoch: state.epoch, kind } });
        const wanted = decision.next ?? { producerId: state.producerId, epoch: state.epoch };
        await recovered(disk, async (stage, { coordinator, offsets }) => {
          await assertEnded(stage, kind === "commit");
          const over = coordinator.states.get(ID)!;
          assert.equal(over.status, `complete-${kind}`);
          assert.deepEqual({ producerId: over.producerId, epoch: over.epoch }, wanted);
          assert.deepEqual([over.partitions, offsets.isPending("g", "t", 0)], [[], false]);
          // Its producer goes on: with the numbers it had in the first protocol, from 0 in the second.
          const sequence = wanted.epoch === PRODUCER.epoch ? 1 : 0;
          const made = {
            id: wanted.producerId,
            epoch: wanted.epoch,
            transactional: true,
            sequence,
          };
          const place = { topic: "t", partition: 0 };
          const admitted = coordinator.admit(ID, wanted, place, { adds: true });
          assert.equal(admitted.error, ERROR.NONE);
          const log = (await logsOf(stage))[0]!;
          await Promise.all([
            log.appendBatches(producedBatches(made, "next")).durable,
            admitted.durable,
          ]);
          const request = { committed: true, raises: sequence === 0 };
          assert.equal((await coordinator.end(ID, wanted, request)).error, ERROR.NONE);
          assert.deepEqual((await valuesIn(stage, 0)).at(-1), "next");
        });
      });
    }
  }
}

test("what is open stays open until its time is over, also when the broker has begun again meanwhile", async () => {
  const disk = createMemoryDisk();
  await leave(disk, { state: ONGOING, marked: 0, marker: { epoch: 3, kind: "abort" } });
  await recovered(disk, async (stage, { coordinator }) => {
    const { clock } = stage.environment;
    const [log] = await logsOf(stage);
    await clock.advance(TIMEOUT_MS - 20_000);
    assert.equal(coordinator.states.get(ID)?.status, "ongoing");
    assert.ok(log!.stableEnd < log!.end);
    await clock.advance(40_000);
    assert.equal(coordinator.states.get(ID)?.status, "complete-abort");
    await assertEnded(stage, false);
    const late = await coordinator.end(ID, PRODUCER, { committed: true, raises: false });
    assert.equal(late.error, ERROR.PRODUCER_FENCED);
  });
});

test("what is open may still be committed by its producer", async () => {
  const disk = createMemoryDisk();
  await leave(disk, { state: ONGOING, marked: 0, marker: { epoch: 3, kind: "abort" } });
  await recovered(disk, async (stage, { coordinator }) => {
    const { error, epoch } = await coordinator.end(ID, PRODUCER, { committed: true, raises: true });
    assert.deepEqual([error, epoch], [ERROR.NONE, RAISED.epoch]);
    await assertEnded(stage, true);
  });
});

test("a partition whose joining was lost joins the open transaction of its producer", async () => {
  const disk = createMemoryDisk();
  const state = { ...ONGOING, partitions: ONGOING.partitions.slice(0, 1) };
  await leave(disk, { state, marked: 0, marker: { epoch: 3, kind: "abort" } });
  await recovered(disk, async (stage, { coordinator }) => {
    assert.equal(coordinator.states.get(ID)?.partitions.length, PARTITIONS.length);
    await coordinator.end(ID, PRODUCER, { committed: true, raises: false });
    await assertEnded(stage, true);
  });
});

test("a transaction of which the state log knows its producer alone begins with what is found", async () => {
  const disk = createMemoryDisk();
  const state: TransactionState = { ...ONGOING, status: "empty", partitions: [], groups: [] };
  await leave(disk, { state, marked: 0, marker: { epoch: 3, kind: "abort" } });
  await recovered(disk, async (stage, { coordinator }) => {
    assert.equal(coordinator.states.get(ID)?.status, "ongoing");
    await stage.environment.clock.advance(TIMEOUT_MS + 20_000);
    await assertEnded(stage, false);
  });
});

test("a partition that a decided end does not know gets its marker, too", async () => {
  const disk = createMemoryDisk();
  const partitions = ONGOING.partitions.slice(0, 2);
  const decided = { ...ONGOING, ...DECISIONS["second protocol"], partitions };
  const state: TransactionState = { ...decided, status: "prepare-commit" };
  await leave(disk, { state, marked: 1, marker: { epoch: state.epoch, kind: "commit" } });
  await recovered(disk, (stage) => assertEnded(stage, true));
});

test("what a producer left open that has gone on since is aborted", async () => {
  const disk = createMemoryDisk();
  const state: TransactionState = {
    ...ONGOING,
    ...RAISED,
    status: "empty",
    partitions: [],
    groups: [],
  };
  await leave(disk, { state, marked: 0, marker: { epoch: 3, kind: "abort" } });
  await recovered(disk, async (stage, { coordinator }) => {
    await assertEnded(stage, false);
    assert.equal(coordinator.states.get(ID)?.status, "empty");
  });
});

test("what a producer left open whom nobody knows is aborted", async () => {
  const disk = createMemoryDisk();
  await leave(disk, { state: undefined, marked: 1, marker: { epoch: 3, kind: "abort" } });
  await recovered(disk, (stage) => assertEnded(stage, false));
});

test("the end of a transaction whose topic was deleted is completed in the topics that are left", async () => {
  const disk = createMemoryDisk();
  const gone = { topic: "deleted", partition: 0 };
  const state: TransactionState = {
    ...ONGOING,
    status: "prepare-commit",
    partitions: [gone, ...ONGOING.partitions],
  };
  await leave(disk, { state, marked: 0, marker: { epoch: 3, kind: "commit" } });
  await recovered(disk, async (stage, { coordinator }) => {
    await assertEnded(stage, true);
    assert.equal(coordinator.states.get(ID)?.status, "complete-commit");
  });
});

test("a transaction that begins long after the last one ended has its timeout, too", async () => {
  const disk = createMemoryDisk();
  await recovered(disk, async (stage, { coordinator }) => {
    const { clock } = stage.environment;
    const [log] = await logsOf(stage);
    const producer = await coordinator.init(ID, { timeoutMs: TIMEOUT_MS, known: undefined });
    const place = { topic: "t", partition: 0 };
    const send = async (sequence: number): Promise<void> => {
      const made = {
        id: producer.producerId,
        epoch: producer.epoch,
        transactional: true,
        sequence,
      };
      assert.equal(await coordinator.add(ID, producer, { partitions: [place] }), ERROR.NONE);
      await log!.appendBatches(producedBatches(made, `v${sequence}`)).durable;
    };
    await send(0);
    await coordinator.end(ID, producer, { committed: true, raises: false });
    await clock.advance(60 * 60_000);
    await send(1);
    await clock.advance(TIMEOUT_MS + 20_000);
    assert.equal(coordinator.states.get(ID)?.status, "complete-abort");
    assert.deepEqual([await valuesIn(stage, 0), log!.stableEnd], [["v0"], log!.end]);
  });
});

test("a transactional id that nobody uses is forgotten after a week", async () => {
  const disk = createMemoryDisk();
  await recovered(disk, async ({ engine, environment }, { coordinator }) => {
    await coordinator.init(ID, { timeoutMs: TIMEOUT_MS, known: undefined });
    await environment.clock.advance(15 * 24 * 60 * 60_000);
    assert.equal(coordinator.states.size, 0);
    assert.equal(engine.state.get(transactionKey(ID)), undefined);
  });
});
