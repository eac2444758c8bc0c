import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { isMillraceError } from "../../model/errors.ts";
import type { LogRecord } from "../log/open-log.ts";
import { openLogEnvironment, openPartitionLog } from "../log/open-log.ts";
import { message, openTestBroker, takeGroup, type TestBroker } from "../broker-stage.test.ts";
import { decodeQueueRecord, opsRecords } from "./queue-record.ts";

async function queueLog({ disk, environment }: TestBroker): Promise<readonly LogRecord[]> {
  const { clock, log } = environment;
  const directory = [...disk.directories].find((path) => /\/queues\/.+\/.+/.test(path))!;
  const logs = await openLogEnvironment({ disk, clock, log, directory, freeBytesMin: 0 });
  const options = { directory, durability: { mode: "fsync" }, retention: {} } as const;
  const opened = await openPartitionLog(logs, options);
  const { records } = await opened.read(0, { count: 100, bytes: 1_000_000 });
  await opened.close();
  return records;
}

test("the worked example of docs/formats/queue.md is what the log holds", async () => {
  const stage = await openTestBroker();
  const { queues } = stage;
  await queues.ensureQueue({ name: "jobs", attempts: 3 });
  await queues.send("jobs", [
    { message: message("one", { key: "k1", id: "a" }) },
    { message: message("two") },
    { message: message("three"), delayMs: 60_000 },
  ]);
  const [one, two] = await takeGroup(queues, "jobs");
  await queues.accept([one!]);
  await queues.release(two!, { delayMs: 5_000 });
  await stage.environment.clock.advance(5_000);
  const [again] = await takeGroup(queues, "jobs");
  await queues.reject(again!, { code: "BAD_PAYLOAD", message: "total is missing" });
  await queues.redriveDeadLetters("jobs", [1]);
  const [third] = await takeGroup(queues, "jobs");
  await queues.release(third!, { countAttempt: false });
  await stage.broker.close();

  const lines = (await queueLog(stage)).map(({ offset, key, headers, value }) =>
    [offset, String(key), JSON.stringify(headers), Buffer.from(value ?? []).toString()].join(" "),
  );
  const page = readFileSync(new URL("../../../docs/formats/queue.md", import.meta.url), "utf8");
  const example = page.slice(page.indexOf("## Example")).split("```")[1]!.trim().split("\n");
  assert.equal(lines.length, 13);
  assert.deepEqual(lines, example);
});

test("long lists of operations are cut into records of bounded size", () => {
  const accept = Array.from({ length: 12_000 }, (_, n) => n);
  const dead = accept.slice(0, 450).map((n) => [n, 0, "E", "x".repeat(2_000)] as const);
  const records = opsRecords({ accept, dead });
  assert.equal(records.length, 3 + 3);
  for (const { value } of records) assert.ok(value!.length < 1_000_000);
  const accepted = records.flatMap((record, offset) => {
    const decoded = decodeQueueRecord({ ...record, offset, appendedMs: 0 });
    return decoded.kind === "ops" ? (decoded.ops.accept ?? []) : [];
  });
  assert.deepEqual(accepted, accept);
});

test("a message whose own headers look like ours stays a message", async () => {
  await using stage = await openTestBroker();
  await stage.queues.ensureQueue({ name: "q" });
  const sly = { key: null, headers: [["q", "o"]] as const, value: Buffer.from('{"accept":[0]}') };
  await stage.queues.send("q", [{ message: sly }]);
  await stage.crash();
  const [lease] = await takeGroup(stage.queues, "q");
  assert.deepEqual(lease!.message.headers, [["q", "o"]]);
});

test("a record of a kind that a newer release added is refused by name", () => {
  const record = {
    key: null,
    headers: [["q", "z"]] as const,
    value: null,
    offset: 7,
    appendedMs: 0,
  };
  assert.throws(
    () => decodeQueueRecord(record),
    (error) => isMillraceError(error, "DIRECTORY_VERSION") && /record 7/.test(error.message),
  );
});
