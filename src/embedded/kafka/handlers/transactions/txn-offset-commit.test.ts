/** Offsets in a transaction, while their group or their topic becomes another one. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { createMemoryDisk, type Disk } from "../../../log/open-log.ts";
import { openTestKafka, type TestKafka } from "../../broker-stage.test.ts";
import { ERROR } from "../../error-codes.ts";

const ID = "payments";

interface Sender {
  readonly producerId: number;
  readonly producerEpoch: number;
}

interface Claim {
  readonly memberId: string;
  readonly generationId: number;
}

async function openTopic(disk?: Disk): Promise<TestKafka> {
  const kafka = await openTestKafka(disk);
  await kafka.broker.topics.create({ name: "t", partitions: 1 });
  return kafka;
}

async function init(kafka: TestKafka): Promise<Sender> {
  const request = { transactionalId: ID, transactionTimeoutMs: 60_000 };
  const { producerId, producerEpoch } = await kafka.tell("InitProducerId", 5, request);
  return { producerId, producerEpoch };
}

async function commitOffset(
  kafka: TestKafka,
  sender: Sender,
  committedOffset: number,
  claim: Partial<Claim> = {},
): Promise<number> {
  const { topics } = await kafka.tell("TxnOffsetCommit", 5, {
    transactionalId: ID,
    groupId: "g",
    ...sender,
    ...claim,
    topics: [{ name: "t", partitions: [{ partitionIndex: 0, committedOffset }] }],
  });
  return topics[0]!.partitions[0]!.errorCode;
}

/** As a reader of committed records asks for it. */
async function committed(kafka: TestKafka): Promise<readonly [offset: number, error: number]> {
  const asked = [{ groupId: "g", topics: [{ name: "t", partitionIndexes: [0] }] }];
  const { groups } = await kafka.tell("OffsetFetch", 8, { groups: asked, requireStable: true });
  const { committedOffset, errorCode } = groups[0]!.topics[0]!.partitions[0]!;
  return [committedOffset, errorCode];
}

/** The one member of the group. */
async function join(kafka: TestKafka): Promise<Claim> {
  const request = {
    groupId: "g",
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 60_000,
    protocolType: "consumer",
    protocols: [{ name: "range", metadata: Buffer.alloc(0) }],
  };
  const { memberId } = await kafka.tell("JoinGroup", 5, request);
  const joining = kafka.tell("JoinGroup", 5, { ...request, memberId });
  await kafka.environment.clock.advance(1_000);
  const { errorCode, generationId } = await joining;
  assert.equal(errorCode, ERROR.NONE);
  const claim = { memberId, generationId };
  await kafka.tell("SyncGroup", 3, { groupId: "g", ...claim });
  return claim;
}

test("a member that leaves its group while its offsets wait for their turn commits none of them", async () => {
  await using kafka = await openTopic();
  const sender = await init(kafka);
  const claim = await join(kafka);
  assert.equal(await commitOffset(kafka, sender, 5, claim), ERROR.NONE);
  const ended = await kafka.tell("EndTxn", 5, { transactionalId: ID, committed: true, ...sender });
  const { producerId, producerEpoch } = ended;
  const late = commitOffset(kafka, { producerId, producerEpoch }, 8, claim);
  const { memberId } = claim;
  await kafka.tell("LeaveGroup", 3, { groupId: "g", members: [{ memberId }] });
  assert.deepEqual(await committed(kafka), [5, ERROR.NONE], "the next reader begins here");
  assert.equal(await late, ERROR.UNKNOWN_MEMBER_ID);
  assert.deepEqual(await committed(kafka), [5, ERROR.NONE], "and nobody else has");
});

for (const crashed of [false, true]) {
  const when = crashed ? "after a crash" : "at once";
  test(`an offset of a topic that was deleted says nothing of the next one of its name, ${when}`, async () => {
    const disk = createMemoryDisk();
    const before = await openTopic(disk);
    const sender = await init(before);
    assert.equal(await commitOffset(before, sender, 500), ERROR.NONE);
    assert.deepEqual(await committed(before), [-1, ERROR.UNSTABLE_OFFSET_COMMIT]);
    await before.broker.topics.delete("t");
    await before.broker.topics.create({ name: "t", partitions: 1 });
    // What is durable is all that the next broker on the disk finds.
    const kafka = crashed ? await openTestKafka(disk) : before;
    assert.deepEqual(
      await committed(kafka),
      [-1, ERROR.NONE],
      "nothing is pending for the new one",
    );
    const end = { transactionalId: ID, committed: true, ...sender };
    assert.equal((await kafka.tell("EndTxn", 5, end)).errorCode, ERROR.NONE);
    assert.deepEqual(await committed(kafka), [-1, ERROR.NONE]);
    await kafka[Symbol.asyncDispose]();
  });
}
