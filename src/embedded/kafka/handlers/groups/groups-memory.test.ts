/** What members say outlives their connections: it is bounded over all groups, and given back. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { openTestEngine } from "../../../engine-stage.test.ts";
import { ERROR } from "../../error-codes.ts";
import { commitOf, createClient, joined, VACANT_MS } from "./group-calls-stage.test.ts";

const KIB = 1024;
const SESSION_MS = 10_000;

/** The first version that is given no id beforehand: it is a member at once. */
const joinOf = (groupId: string, metadataBytes: number, memberId = "") => ({
  groupId,
  memberId,
  sessionTimeoutMs: SESSION_MS,
  rebalanceTimeoutMs: 60_000,
  protocolType: "consumer",
  protocols: [{ name: "range", metadata: Buffer.alloc(metadataBytes) }],
});

test("members of all groups together say so much, and are let in again when others have gone", async () => {
  await using engine = await openTestEngine();
  const client = createClient(engine, undefined, { heldBytesMax: 100 * KIB });
  const join = async (group: string, bytes: number, memberId = "") =>
    client.ask("JoinGroup", joinOf(group, bytes, memberId), 3);
  const first = await join("a", 40 * KIB);
  const second = await join("b", 40 * KIB);
  assert.deepEqual([first.errorCode, second.errorCode], [ERROR.NONE, ERROR.NONE]);
  assert.equal((await join("c", 40 * KIB)).errorCode, ERROR.COORDINATOR_NOT_AVAILABLE);
  assert.equal(client.groups.view("c"), undefined, "nothing is left of who was refused");
  // Who says as much as before is no burden.
  assert.equal((await join("a", 40 * KIB, first.memberId)).errorCode, ERROR.NONE);
  await client.ask("LeaveGroup", { groupId: "b", members: [{ memberId: second.memberId }] });
  assert.equal((await join("c", 40 * KIB)).errorCode, ERROR.NONE);
  // A session that ends gives back what it held.
  await engine.environment.clock.advance(SESSION_MS);
  for (const group of ["d", "e"]) {
    assert.equal((await join(group, 40 * KIB)).errorCode, ERROR.NONE, group);
  }
});

test("assignments count with what members say", async () => {
  await using engine = await openTestEngine();
  const client = createClient(engine, undefined, { heldBytesMax: 100 * KIB });
  const { memberId, generationId } = await client.ask("JoinGroup", joinOf("g", 40 * KIB), 3);
  const sync = (bytes: number) =>
    client.ask("SyncGroup", {
      groupId: "g",
      memberId,
      generationId,
      protocolType: "consumer",
      protocolName: "range",
      assignments: [{ memberId, assignment: Buffer.alloc(bytes) }],
    });
  assert.equal((await sync(60 * KIB)).errorCode, ERROR.COORDINATOR_NOT_AVAILABLE);
  assert.equal((await sync(30 * KIB)).errorCode, ERROR.NONE);
  const { errorCode } = await client.ask("JoinGroup", joinOf("h", 30 * KIB), 3);
  assert.equal(errorCode, ERROR.COORDINATOR_NOT_AVAILABLE);
});

test("ids that were given to clients count, too, until they end", async () => {
  await using engine = await openTestEngine();
  const client = createClient(engine, undefined, { heldBytesMax: 20 * KIB });
  const ask = async (at: number) => (await client.ask("JoinGroup", joinOf(`g${at}`, 0))).errorCode;
  let given = 0;
  while (given < 1_000 && (await ask(given)) === ERROR.MEMBER_ID_REQUIRED) given++;
  assert.ok(given > 0 && given < 200, `${given} were given`);
});

test("of too many groups without members those end first that have been so for longest", async () => {
  await using engine = await openTestEngine();
  const client = createClient(engine, undefined, { memberlessMax: 3 });
  await joined(client, "used");
  await engine.streams.ensureStream({ name: "t", partitions: 1 });
  await client.ask("JoinGroup", joinOf("committed", 0));
  const { topics } = await client.ask("OffsetCommit", commitOf("committed", 7));
  assert.equal(topics[0]!.partitions[0]!.errorCode, ERROR.NONE);
  for (const name of ["one", "two", "three", "four"]) {
    const { errorCode } = await client.ask("JoinGroup", joinOf(name, 0));
    assert.equal(errorCode, ERROR.MEMBER_ID_REQUIRED);
  }
  assert.deepEqual(client.groups.names(), ["committed", "four", "three", "two", "used"]);
  await engine.environment.clock.advance(2 * VACANT_MS);
  assert.deepEqual(client.groups.names(), ["committed"]);
});
