/** The kill suite's own memory must notice what the suite exists to find: told here by hand. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { askDriver } from "./crash/ask/ask-driver.ts";
import type { Driver, Opened, Violation } from "./crash/driver.ts";
import { appendDriver, ensureLedger } from "./crash/drivers/append.ts";
import { groupDriver } from "./crash/drivers/group.ts";
import { encodeNumbered, LEDGER_STREAM } from "./crash/drivers/names.ts";
import { queueDriver } from "./crash/drivers/queue.ts";
import { InFlightHistogram } from "./crash/histogram.ts";
import type { Report } from "./crash/report.ts";
import { judgeTrip } from "./crash/saga/saga-record.ts";
import { tally } from "./crash/service/till.ts";
import { expectedSum } from "./crash/view/tallies.ts";
import { viewDriver } from "./crash/view/view-driver.ts";
import { WebhookRecord } from "./crash/webhook/webhook-record.ts";
import { WireQueueRecord } from "./crash/wire/wire-queue.ts";
import { memoryBroker } from "../src/memory/broker.ts";
import { createTestEnvironment } from "../src/testing/environment.ts";

const kindsOf = (violations: readonly Violation[]): string[] => violations.map(({ kind }) => kind);

function kindsAfter(driver: Driver, reports: readonly Report[]): string[] {
  const record = driver.createRecord();
  for (const report of reports) record.take(report);
  return kindsOf(record.violations);
}

/** A stream in memory that holds these numbers of one key. */
async function ledgerOf(key: string, sequences: readonly number[]): Promise<Opened> {
  const environment = createTestEnvironment();
  const broker = await memoryBroker().open(environment);
  await ensureLedger(broker.streams!);
  const messages = sequences.map((sequence) => ({
    ...encodeNumbered({ key, sequence }),
    headers: [],
  }));
  await broker.streams!.append(LEDGER_STREAM, messages);
  return { broker, environment, directory: "" };
}

test("a gap is a loss, a number that comes again is a repetition", async () => {
  const cases: readonly (readonly [readonly number[], readonly string[]])[] = [
    [[0, 1, 2, 3], []],
    [[0, 1, 3], ["lost"]],
    [[0, 1, 1, 2], ["twice"]],
    [[1], ["lost"]],
  ];
  for (const [sequences, expected] of cases) {
    const record = appendDriver.createRecord();
    await record.verify(await ledgerOf("w0.0", sequences), { last: true });
    assert.deepEqual(kindsOf(record.violations), expected, sequences.join());
  }
});

test("an acknowledged append that is not at the end of its key is a loss", async () => {
  const record = appendDriver.createRecord();
  record.take(["append", "try", 0, 0]);
  await record.verify(await ledgerOf("w0.0", []), { last: true });
  assert.deepEqual(kindsOf(record.violations), [], "what was only tried may be missing");
  record.take(["append", "ack", 0, 0]);
  await record.verify(await ledgerOf("w0.0", []), { last: true });
  assert.deepEqual(kindsOf(record.violations), ["lost"]);
  await record.verify(await ledgerOf("w0.0", [0]), { last: true });
  assert.deepEqual(kindsOf(record.violations), ["lost"], "no further one");
});

test("a message that comes after its acceptance was acknowledged is a repetition", () => {
  const accepted: readonly Report[] = [
    ["queue", "got", "q0.0", 0, 1],
    ["queue", "try-accept", "q0.0", 0],
  ];
  const again: Report = ["queue", "got", "q0.0", 0, 2];
  assert.deepEqual(kindsAfter(queueDriver, [...accepted, again]), []);
  const acknowledged: Report = ["queue", "ack-accept", "q0.0", 0];
  assert.deepEqual(kindsAfter(queueDriver, [...accepted, acknowledged, again]), ["twice"]);
});

test("a message that comes before an unsettled one of its key is disorder", () => {
  const second: Report = ["queue", "got", "q0.0", 1, 1];
  assert.deepEqual(kindsAfter(queueDriver, [["queue", "got", "q0.0", 0, 1], second]), ["disorder"]);
  assert.deepEqual(kindsAfter(queueDriver, [["queue", "try-reject", "q0.0", 0], second]), []);
});

test("an AMQP message that comes again after it was settled is a repetition, one nowhere a loss", () => {
  const kinds = (tell: (record: WireQueueRecord) => void, waiting: string[], dead: string[]) => {
    const record = new WireQueueRecord();
    record.sending("a");
    record.accepted("a");
    tell(record);
    record.judge(waiting, dead);
    return kindsOf(record.violations);
  };
  const nothing = (): void => undefined;
  const accepting = (record: WireQueueRecord): void => {
    record.got("a");
    record.settling("a", "accept");
  };
  const accepted = (record: WireQueueRecord): void => {
    accepting(record);
    record.settled("a", "accept");
  };
  const rejected = (record: WireQueueRecord): void => {
    record.settling("a", "reject");
    record.settled("a", "reject");
  };
  assert.deepEqual(kinds(nothing, ["a"], []), []);
  assert.deepEqual(kinds(nothing, [], []), ["lost"]);
  assert.deepEqual(kinds(nothing, ["a"], ["a"]), ["twice"]);
  assert.deepEqual(kinds(accepting, [], []), [], "it may be settled");
  assert.deepEqual(kinds(accepting, ["a"], []), [], "or not");
  assert.deepEqual(kinds(accepted, [], []), []);
  assert.deepEqual(kinds(accepted, ["a"], []), ["twice"]);
  assert.deepEqual(
    kinds((record) => (accepted(record), record.got("a")), [], []),
    ["twice"],
  );
  assert.deepEqual(kinds(rejected, [], ["a"]), []);
  assert.deepEqual(kinds(rejected, ["a"], []), ["twice"]);
  assert.deepEqual(kinds(rejected, [], []), ["lost"]);
  assert.deepEqual(
    kinds((record) => record.got("b"), ["a"], []),
    ["wrong"],
  );
});

test("a position or an epoch that goes back is noticed, and so is a skipped record", () => {
  const first: readonly Report[] = [
    ["group", "assigned", 0, 5, 0],
    ["group", "try", 0, 0, 10],
    ["group", "ack", 0, 10],
  ];
  assert.deepEqual(kindsAfter(groupDriver, [...first, ["group", "assigned", 0, 6, 10]]), []);
  assert.deepEqual(kindsAfter(groupDriver, [...first, ["group", "assigned", 0, 6, 9]]), [
    "regressed",
  ]);
  assert.deepEqual(kindsAfter(groupDriver, [...first, ["group", "assigned", 0, 5, 10]]), [
    "regressed",
  ]);
  assert.deepEqual(kindsAfter(groupDriver, [...first, ["group", "assigned", 0, 6, 11]]), ["lost"]);
  assert.deepEqual(kindsAfter(groupDriver, [...first, ["group", "try", 0, 12, 13]]), ["lost"]);
});

test("a tally tells what is missing from what came again", () => {
  const none = { count: 0, next: 0, missing: 0, repeated: 0 };
  const after = (numbers: readonly number[]) => numbers.reduce(tally, none);
  assert.deepEqual(after([0, 1, 2]), { count: 3, next: 3, missing: 0, repeated: 0 });
  assert.deepEqual(after([0, 3]), { count: 2, next: 4, missing: 2, repeated: 0 });
  assert.deepEqual(after([0, 1, 1]), { count: 3, next: 2, missing: 0, repeated: 1 });
});

test("the histogram counts a kill as idle only when nothing at all was in flight", () => {
  const histogram = new InFlightHistogram();
  histogram.add({ append: 0, queue: 0 });
  histogram.add({ append: 0, queue: 5 });
  assert.deepEqual([histogram.kills, histogram.killsWithWork], [2, 1]);
});

test("an answer that is another when it is asked for again is noticed, and so is a read that misses it", () => {
  const answer = (count: number) => JSON.stringify({ ok: true, reply: { count, cents: 5 } });
  const first: readonly Report[] = [
    ["ask", "try", 0, 0],
    ["ask", "ack", 0, 0, answer(3)],
  ];
  assert.deepEqual(kindsAfter(askDriver, [...first, ["ask", "again", 0, 0, answer(3)]]), []);
  assert.deepEqual(kindsAfter(askDriver, [...first, ["ask", "again", 0, 0, answer(4)]]), ["wrong"]);
  assert.deepEqual(kindsAfter(askDriver, [...first, ["ask", "seen", 0, 0, 3]]), []);
  assert.deepEqual(kindsAfter(askDriver, [...first, ["ask", "seen", 0, 0, 2]]), ["lost"]);
});

test("a trip is wrong where a step is missing, comes twice, or is undone in another order", () => {
  const refused = { status: "ended", state: { plan: "refused", fired: 0 } } as const;
  const kinds = (done: readonly string[], instance: Parameters<typeof judgeTrip>[1] = refused) =>
    kindsOf(judgeTrip("t0-1", instance, { done }));
  assert.deepEqual(kinds(["reserve", "charge", "refund", "release"]), []);
  assert.deepEqual(kinds(["reserve", "charge", "release", "refund"]), ["disorder"]);
  assert.deepEqual(kinds(["reserve", "charge", "refund"]), ["lost"]);
  assert.deepEqual(kinds(["reserve", "charge", "refund", "refund", "release"]), ["twice"]);
  const whole = ["reserve", "charge", "refund", "release"];
  assert.deepEqual(kinds(whole, { ...refused, status: "compensating" }), ["lost"]);
  assert.deepEqual(kinds(whole, { status: "ended", state: { plan: "refused", fired: 1 } }), [
    "twice",
  ]);
  const good = { status: "ended", state: { plan: "good", fired: 1 } } as const;
  const thanked = ["reserve", "charge", "dispatch", "thank"];
  assert.deepEqual(kindsOf(judgeTrip("t0-0", good, { done: thanked, lateMs: 1 })), []);
  assert.deepEqual(kindsOf(judgeTrip("t0-0", good, { done: thanked, lateMs: -1 })), ["wrong"]);
});

test("a delivery that comes again under another id is a repetition, one that comes too early disorder", () => {
  const kinds = (
    deliveries: readonly (readonly [nth: number, id: string])[],
  ): readonly string[] => {
    const record = new WebhookRecord();
    for (const [nth, id] of deliveries) {
      record.delivered({ way: "effect", id, body: JSON.stringify({ account: "n0.0", nth }) });
    }
    return kindsOf(record.violations);
  };
  assert.deepEqual(
    kinds([
      [0, "a"],
      [0, "a"],
      [1, "b"],
    ]),
    [],
  );
  assert.deepEqual(
    kinds([
      [0, "a"],
      [0, "b"],
    ]),
    ["twice"],
  );
  assert.deepEqual(
    kinds([
      [0, "a"],
      [2, "b"],
    ]),
    ["disorder"],
  );
});

test("a document is wrong that no one version folded, and one that goes back", () => {
  const document = (version: number, next: number, sum = expectedSum(version, next)) => ({
    version,
    next,
    sum,
    count: next,
    missing: 0,
    repeated: 0,
  });
  const found = (...documents: readonly object[]): Report => [
    "view",
    "found",
    JSON.stringify({
      generation: "v2",
      live: true,
      documents: documents.map((each, index) => [`v0.${index}`, each]),
    }),
  ];
  const read = (...documents: readonly object[]): Report => {
    const pairs = documents.map((each, index) => [`v0.${index}`, each]);
    return ["view", "read", JSON.stringify({ generation: "v2", building: 0, documents: pairs })];
  };
  assert.deepEqual(kindsAfter(viewDriver, [found(document(2, 5)), found(document(2, 7))]), []);
  assert.deepEqual(kindsAfter(viewDriver, [found(document(2, 5)), found(document(2, 4))]), [
    "regressed",
  ]);
  assert.deepEqual(kindsAfter(viewDriver, [found(document(2, 5, expectedSum(1, 5)))]), ["wrong"]);
  assert.deepEqual(kindsAfter(viewDriver, [read(document(2, 5), document(2, 9))]), []);
  assert.deepEqual(kindsAfter(viewDriver, [read(document(2, 5), document(1, 9))]), ["wrong"]);
});

test("no report is lost where the parent reads late and the child is killed", async () => {
  const module = new URL("crash/report.ts", import.meta.url).href;
  const script = `
    const { tellOn, writeWhole } = await import(${JSON.stringify(module)});
    process.stdout;
    const tell = tellOn((line) => writeWhole(1, line), "child");
    for (let at = 0; at < 20_000; at++) tell("told", at);
    process.kill(process.pid, "SIGKILL");`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  // The pipe holds less than a tenth of it: by its first bytes the child stands still.
  await once(child.stdout, "readable");
  const lines = (await text(child.stdout)).trimEnd().split("\n");
  assert.equal(lines.length, 20_000);
  assert.equal(lines.at(-1), '["child","told",19999]');
});
