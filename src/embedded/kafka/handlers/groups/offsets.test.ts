import assert from "node:assert/strict";
import { test } from "node:test";
import { openTestEngine } from "../../../engine-stage.test.ts";
import { createMemoryDisk } from "../../../log/open-log.ts";
import { ERROR } from "../../error-codes.ts";
import {
  codesOf,
  commitOf,
  committed,
  createClient,
  openClient,
} from "./group-calls-stage.test.ts";

test("what is committed comes back with its metadata and leader epoch, also after a crash", async () => {
  const disk = createMemoryDisk();
  {
    const engine = await openTestEngine(disk);
    const client = await openClient(engine);
    const name = "any name/at all: ü";
    assert.deepEqual(codesOf(await client.ask("OffsetCommit", commitOf(name, 5, "a b@c"))), [0]);
    assert.deepEqual(codesOf(await client.ask("OffsetCommit", commitOf("", 1))), [0]);
    assert.deepEqual(codesOf(await client.ask("OffsetCommit", commitOf("none", -1, "m"))), [0]);
  }
  await using engine = await openTestEngine(disk);
  const client = createClient(engine);
  const found = await committed(client, "any name/at all: ü");
  assert.deepEqual(
    [found.committedOffset, found.committedLeaderEpoch, found.metadata],
    [5, 4, "a b@c"],
  );
  assert.equal((await committed(client, "")).committedOffset, 1);
  const none = await committed(client, "none");
  assert.deepEqual([none.committedOffset, none.metadata], [-1, "m"]);
  assert.equal(engine.engine.streamStorage.position("none", "t", 0), undefined);
});

test("each offset that cannot be committed has its own reason, and the others are", async () => {
  await using engine = await openTestEngine();
  const client = await openClient(
    engine,
    (_, kind, name) => kind !== "stream" || name !== "secret",
  );
  await engine.engine.streams.create({ name: "secret", partitions: 1 });
  const at = (partitionIndex: number, committedMetadata: string | null = null) => ({
    partitionIndex,
    committedOffset: 3,
    committedMetadata,
  });
  const answer = await client.ask("OffsetCommit", {
    groupId: "g",
    generationIdOrMemberEpoch: -1,
    topics: [
      { name: "t", partitions: [at(0), at(2), at(1, "x".repeat(4097))] },
      { name: "unknown", partitions: [at(0)] },
      { name: "secret", partitions: [at(0)] },
    ],
  });
  assert.deepEqual(codesOf(answer), [0, 3, 12, 3, 29]);
  assert.deepEqual(
    engine.engine.streamStorage.positions("g").map(({ partition, offset }) => [partition, offset]),
    [[0, 3]],
  );
});

test("a commit that the disk refuses is answered so, seen by nobody, and nothing of it is kept", async () => {
  const disk = createMemoryDisk();
  {
    await using engine = await openTestEngine(disk);
    const client = await openClient(engine);
    await client.ask("OffsetCommit", commitOf("g", 1));
    disk.capacityBytes = disk.usedBytes();
    const partitions = [0, 1].map((partitionIndex) => ({ partitionIndex, committedOffset: 9 }));
    const answer = await client.ask("OffsetCommit", {
      groupId: "g",
      generationIdOrMemberEpoch: -1,
      topics: [{ name: "t", partitions }],
    });
    assert.deepEqual(codesOf(answer), [15, 15]);
    assert.equal((await committed(client, "g")).committedOffset, 1);
    disk.capacityBytes = Infinity;
  }
  await using engine = await openTestEngine(disk);
  assert.deepEqual(
    engine.engine.streamStorage.positions("g").map(({ partition, offset }) => [partition, offset]),
    [[0, 1]],
  );
});

test("offsets are fetched by partition or all at once, and of an unknown group there are none", async () => {
  await using engine = await openTestEngine();
  const client = await openClient(engine, (_, kind, name) => kind !== "group" || name !== "secret");
  await client.ask("OffsetCommit", commitOf("g", 7));
  const topics = [{ name: "t", partitionIndexes: [0, 1] }];
  const { groups } = await client.ask("OffsetFetch", {
    groups: [
      { groupId: "g", topics: null },
      { groupId: "g", topics },
      { groupId: "unknown", topics },
      { groupId: "unknown", topics: null },
      { groupId: "secret", topics },
    ],
  });
  const offsets = groups.map((group) =>
    group.topics.flatMap(({ partitions }) =>
      partitions.map(({ committedOffset, errorCode }) => [committedOffset, errorCode]),
    ),
  );
  assert.deepEqual(offsets, [
    [[7, 0]],
    [
      [7, 0],
      [-1, 0],
    ],
    [
      [-1, 0],
      [-1, 0],
    ],
    [],
    [],
  ]);
  assert.equal(groups[4]!.errorCode, ERROR.GROUP_AUTHORIZATION_FAILED);
  const first = await client.ask("OffsetFetch", { groupId: "secret", topics }, 1);
  assert.equal(first.topics[0]!.partitions[1]!.errorCode, ERROR.GROUP_AUTHORIZATION_FAILED);
});

test("whoever wants stable offsets waits for a transaction that has sent one", async () => {
  await using engine = await openTestEngine();
  const client = await openClient(engine);
  await client.ask("OffsetCommit", commitOf("g", 7));
  await client.pendingOffsets.add("tx", "g", [{ stream: "t", partition: 0, offset: 8 }]);
  const { errorCode, committedOffset } = await committed(client, "g", true);
  assert.deepEqual([errorCode, committedOffset], [ERROR.UNSTABLE_OFFSET_COMMIT, -1]);
  assert.equal((await committed(client, "g")).committedOffset, 7);
  await client.ask("DeleteGroups", { groupsNames: ["g"] });
  assert.deepEqual(client.pendingOffsets.positionsOf("tx"), [], "it goes with its group");
});
