/** What happens when somebody deletes files of a broker that is stopped: each kind of file in turn. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Lease, Queues } from "../broker/queues.ts";
import type { LogProblem } from "../broker/upkeep/upkeep.ts";
import { isMillraceError } from "../model/errors.ts";
import type { StartAt } from "../model/position.ts";
import { valuesOf } from "../model/outcome.ts";
import { createTestEnvironment } from "../testing/environment.ts";
import {
  DIRECTORY,
  message,
  openTestBroker,
  textOf,
  type TestBroker,
} from "./broker-stage.test.ts";
import { KeyedLog } from "./keyed-log.ts";
import { MemoryContents } from "./log/disks/memory-disk.ts";
import { UNKNOWN_SPAN } from "./log/lost-files.ts";
import { openLogEnvironment } from "./log/open-log.ts";
import { repairOn, type Repair } from "./repair.ts";

const COUNT = 13;
const STREAM = /^\/data\/streams\/orders\/[^/]+\//;

/** `orders` with two partitions of several segments, a queue, and a stream that retention has trimmed. */
async function openFilled(): Promise<TestBroker> {
  const stage = await openTestBroker({ segmentBytesMax: 4_096, retentionCheckMs: 1_000 });
  const { streams, queues } = stage;
  await streams.ensureStream({ name: "orders", partitions: 2 });
  await streams.ensureStream({ name: "trimmed", partitions: 1, retention: { count: 4 } });
  await queues.ensureQueue({ name: "desk" });
  for (let at = 0; at < COUNT; at++) {
    const text = `${at} ${".".repeat(2_000)}`;
    valuesOf(await streams.append("orders", [message(text)], { partition: 0 }));
    valuesOf(await streams.append("orders", [message(text)], { partition: 1 }));
    valuesOf(await streams.append("trimmed", [message(text)]));
    valuesOf(await queues.send("desk", [{ message: message(text) }]));
  }
  await stage.environment.clock.advance(10_000);
  return stage;
}

type Place = "orders/0" | "orders/1" | "trimmed/0" | "desk";
const PLACES: readonly Place[] = ["orders/0", "orders/1", "trimmed/0", "desk"];

interface Seen {
  /** The first number of each message that can be read, or the error's text. */
  readonly reads: string;
  /** Whether an append passes, or the error's text. */
  readonly takes: string;
}

const refusal = (error: unknown): string => {
  if (!isMillraceError(error, "LOG_DAMAGED")) throw error;
  return error.message;
};

async function numbersOf(stage: TestBroker, stream: string, partition: number): Promise<string> {
  const numbers: string[] = [];
  let from: StartAt = "earliest";
  for (;;) {
    try {
      for await (const batch of stage.streams.read(stream, { partition, from })) {
        for (const record of batch) numbers.push(textOf(record).split(" ")[0]!);
      }
      return numbers.join(" ");
    } catch (error) {
      if (!isMillraceError(error, "LOG_DAMAGED")) throw error;
      numbers.push("!");
      from = { offset: Number(error.details["nextOffset"]) };
    }
  }
}

/** Leases all that waits, in however many groups it comes. */
async function takeWaiting(queues: Queues, queue: string): Promise<readonly Lease[]> {
  const { waiting } = await queues.describeQueue(queue);
  const taken: Lease[] = [];
  const receiver = await queues.receive(queue, { credit: waiting });
  for await (const group of receiver) {
    taken.push(...group);
    if (taken.length >= waiting) break;
  }
  await receiver.close();
  return taken;
}

async function look(stage: TestBroker, place: Place): Promise<Seen> {
  if (place === "desk") {
    try {
      valuesOf(await stage.queues.send("desk", [{ message: message("more") }]));
      const numbers = (await takeWaiting(stage.queues, "desk")).map(
        ({ message: one }) => textOf(one).split(" ")[0],
      );
      return { reads: numbers.filter((one) => one !== "more").join(" "), takes: "yes" };
    } catch (error) {
      return { reads: "!", takes: refusal(error) };
    }
  }
  const [stream = "", partition] = place.split("/");
  const reads = await numbersOf(stage, stream, Number(partition));
  try {
    const options = { partition: Number(partition) };
    valuesOf(await stage.streams.append(stream, [message("more")], options));
    return { reads, takes: "yes" };
  } catch (error) {
    return { reads, takes: refusal(error) };
  }
}

async function problemsOf({ broker }: TestBroker): Promise<readonly LogProblem[]> {
  const request = { signal: new AbortController().signal, progress: () => {} };
  return (await broker.upkeep!.verify(request)).problems;
}

function repair(
  stage: TestBroker,
  accept: readonly string[],
  dryRun: boolean,
): Promise<readonly Repair[]> {
  const ranges = accept.map((text) => {
    const [, log, partition, from, to] = /^(.+)\/(\d+)@(\d+)-(\d+)$/.exec(text)!;
    return {
      log: log!,
      partition: Number(partition),
      offset: Number(from),
      nextOffset: Number(to) + 1,
    };
  });
  const place = { directory: DIRECTORY, disk: stage.disk, lock: () => ({ release: () => {} }) };
  return repairOn(createTestEnvironment(), place, { accept: ranges, dryRun });
}

/** Names of a log's segment files, the oldest first. */
function segmentsOf(stage: TestBroker, log: RegExp): readonly string[] {
  const names = [...stage.disk.files.keys()].filter((path) => log.test(path));
  return names.filter((path) => path.endsWith(".log")).toSorted();
}

function remove(stage: TestBroker, which: RegExp): void {
  const gone = [...stage.disk.files.keys()].filter((path) => which.test(path));
  assert.ok(gone.length > 0, `nothing is ${String(which)}`);
  for (const path of gone) stage.disk.files.delete(path);
}

/** All files of one segment. */
function removeSegment(stage: TestBroker, path: string): void {
  for (const kind of ["log", "groups", "producers"]) {
    stage.disk.files.delete(path.replace(/log$/, kind));
  }
}

const all = Array.from({ length: COUNT }, (_, at) => at).join(" ");
const ORDERS_0 = /^\/data\/streams\/orders\/[^/]+\/0\//;
const WHOLE: Seen = { reads: all, takes: "yes" };

interface Case {
  readonly what: string;
  readonly remove: (stage: TestBroker) => void;
  /** What is not as ever; a text of a refusal as a pattern. */
  readonly seen: Partial<Record<Place, { readonly reads: string; readonly takes: RegExp }>>;
  /** Of `millrace log verify`. */
  readonly problems: readonly RegExp[];
  /** What is accepted. */
  readonly lost: readonly RegExp[];
}

const GONE = "are gone from /data/";
const UNKNOWN = `@0-${UNKNOWN_SPAN - 1}$`;
const nothing = { seen: {}, problems: [], lost: [] };

const cases: readonly Case[] = [
  { what: "nothing", remove: () => {}, ...nothing },
  {
    what: "a partition's folder",
    remove: (stage) => remove(stage, ORDERS_0),
    seen: {
      "orders/0": {
        reads: "!",
        takes: new RegExp(`${GONE}streams/orders/[^/]+/0; restore a backup, delete the stream`),
      },
    },
    problems: [/^orders\/0 .* are missing/],
    lost: [new RegExp(`^orders/0${UNKNOWN}`)],
  },
  {
    what: "a stream's folder",
    remove: (stage) => remove(stage, STREAM),
    seen: {
      "orders/0": { reads: "!", takes: new RegExp(`${GONE}streams/orders/[^/]+/0`) },
      "orders/1": { reads: "!", takes: new RegExp(`${GONE}streams/orders/[^/]+/1`) },
    },
    problems: [/^orders\/0 .* are missing/, /^orders\/1 .* are missing/],
    lost: [new RegExp(`^orders/0${UNKNOWN}`), new RegExp(`^orders/1${UNKNOWN}`)],
  },
  {
    what: "a queue's folder",
    remove: (stage) => remove(stage, /^\/data\/queues\/desk\//),
    seen: { desk: { reads: "!", takes: new RegExp(`^the queue desk .*${GONE}queues/desk/`) } },
    problems: [/^queue desk\/0 .* are missing/],
    lost: [new RegExp(`^queue desk/0${UNKNOWN}`)],
  },
  {
    what: "a partition's oldest segment",
    remove: (stage) => removeSegment(stage, segmentsOf(stage, ORDERS_0)[0]!),
    seen: { "orders/0": { reads: "! 2 3 4 5 6 7 8 9 10 11 12", takes: /^yes$/ } },
    problems: [/^orders\/0 .* are missing/],
    lost: [/^orders\/0@0-1$/],
  },
  {
    what: "the oldest segment that retention has left",
    remove: (stage) => removeSegment(stage, segmentsOf(stage, /streams\/trimmed/)[0]!),
    seen: { "trimmed/0": { reads: "! 10 11 12", takes: /^yes$/ } },
    problems: [/^trimmed\/0 .* are missing/],
    lost: [/^trimmed\/0@9-9$/],
  },
  {
    what: "a segment in the middle",
    remove: (stage) => removeSegment(stage, segmentsOf(stage, ORDERS_0)[2]!),
    seen: { "orders/0": { reads: "0 1 2 3 ! 6 7 8 9 10 11 12", takes: /^yes$/ } },
    problems: [/^orders\/0 .* are missing/, /^orders\/0 .*sidecar says otherwise/],
    lost: [/^orders\/0@4-5$/],
  },
  {
    what: "a partition's newest segment",
    remove: (stage) => removeSegment(stage, segmentsOf(stage, ORDERS_0).at(-1)!),
    seen: { "orders/0": { reads: "0 1 2 3 4 5 6 7 8 9 10 11 !", takes: new RegExp(GONE) } },
    problems: [/^orders\/0 .* are missing/],
    lost: [new RegExp(`^orders/0@12-${UNKNOWN_SPAN + 11}$`)],
  },
  {
    what: "the newest segment's file alone",
    remove: (stage) => stage.disk.files.delete(segmentsOf(stage, ORDERS_0).at(-1)!),
    seen: {
      "orders/0": { reads: "0 1 2 3 4 5 6 7 8 9 10 11 !", takes: /12 to 12 .* are damaged/ },
    },
    problems: [/^orders\/0 .*12 to 12 are damaged/],
    lost: [/^orders\/0@12-12$/],
  },
  {
    what: "the sidecar of an ended segment",
    remove: (stage) =>
      stage.disk.files.delete(segmentsOf(stage, ORDERS_0)[1]!.replace(/log$/, "groups")),
    ...nothing,
    problems: [/^orders\/0 .*sidecar is missing/],
  },
  {
    what: "the newest sidecar",
    remove: (stage) =>
      stage.disk.files.delete(segmentsOf(stage, ORDERS_0).at(-1)!.replace(/log$/, "groups")),
    ...nothing,
  },
];

for (const { what, remove: take, seen, problems, lost } of cases) {
  test(`${what} deleted: what is lost is refused and told, all else is served; the loss can be accepted`, async () => {
    await using stage = await openFilled();
    await stage.broker.close();
    take(stage);
    await stage.crash();
    const told = await problemsOf(stage);
    assert.equal(told.length, problems.length, JSON.stringify(told));
    for (const [at, { log, partition, message: text }] of told.entries()) {
      assert.match(`${log}/${partition} ${text}`, problems[at]!);
    }
    const whole = { ...WHOLE };
    for (const place of PLACES) {
      const { reads, takes } = await look(stage, place);
      const expected = seen[place];
      const left = place === "trimmed/0" ? "9 10 11 12" : whole.reads;
      assert.equal(reads, expected?.reads ?? left, place);
      assert.match(takes, expected?.takes ?? /^yes$/, place);
    }
    await stage.broker.close();
    const planned = await repair(stage, [], true);
    const ranges = planned.flatMap(({ what: text }) => /--accept (.*)$/.exec(text)?.[1] ?? []);
    assert.equal(ranges.length, lost.length, JSON.stringify(planned));
    for (const [at, range] of ranges.entries()) assert.match(range, lost[at]!);
    const mended = await repair(stage, ranges, false);
    assert.ok(mended.every((one) => one.mended));
    await stage.crash();
    assert.deepEqual(await problemsOf(stage), []);
    for (const place of PLACES) {
      // What was lost is a gap; each look appended one more.
      const { reads, takes } = await look(stage, place);
      assert.equal(takes, "yes", place);
      assert.ok(!reads.includes("!"), `${place}: ${reads}`);
    }
  });
}

/** More than one segment of the state log, which has 4 MiB. */
async function fillState({ disk }: TestBroker): Promise<void> {
  const { clock, log } = createTestEnvironment();
  const logs = await openLogEnvironment({
    disk,
    clock,
    log,
    directory: DIRECTORY,
    freeBytesMin: 0,
  });
  const state = await KeyedLog.open(logs, `${DIRECTORY}/state`);
  for (let at = 0; at < 10; at++) await state.put(`filling/${at}`, ".".repeat(500_000));
  await state.close();
}

const refused: readonly (readonly [what: string, which: RegExp, text: RegExp])[] = [
  ["millrace.json", /^\/data\/millrace\.json$/, /no millrace\.json; restore it from a backup/],
  ["the state log", /^\/data\/state\//, /state log .* is empty; restore it from a backup/],
];

for (const [what, which, text] of refused) {
  test(`${what} deleted: the broker does not open`, async () => {
    await using stage = await openFilled();
    await stage.broker.close();
    remove(stage, which);
    await assert.rejects(stage.crash(), { code: "LOG_DAMAGED", message: text });
  });
}

for (const which of ["oldest", "newest"] as const) {
  test(`the ${which} segment of the state log deleted: the broker does not open, and that cannot be accepted`, async () => {
    await using stage = await openTestBroker();
    await stage.streams.ensureStream({ name: "s", partitions: 1 });
    await stage.broker.close();
    await fillState(stage);
    const segments = segmentsOf(stage, /^\/data\/state\//);
    assert.ok(segments.length > 1);
    removeSegment(stage, segments.at(which === "oldest" ? 0 : -1)!);
    await assert.rejects(stage.crash(), { code: "LOG_DAMAGED" });
    const [first] = await repair(stage, [], true);
    assert.match(first!.what, /are missing.*restore a backup: nothing stands in/);
    const range = /offsets (\d+) to (\d+)/.exec(first!.what)!;
    const told = await repair(stage, [`state/0@${range[1]}-${range[2]}`], false);
    assert.ok(told.some(({ mended }) => !mended));
    await assert.rejects(stage.crash(), { code: "LOG_DAMAGED" });
  });
}

test("a journal that was damaged when it was read is told until somebody removes it", async () => {
  await using stage = await openFilled();
  assert.deepEqual(await problemsOf(stage), []);
  await stage.broker.close();
  assert.deepEqual(await repair(stage, [], true), []);
  const path = `${DIRECTORY}/journal.7.damaged`;
  stage.disk.files.set(path, new MemoryContents(Buffer.from("of no use")));
  const [left] = await repair(stage, [], false);
  assert.deepEqual([left!.file, left!.mended], [path, false]);
  await stage.crash();
  const [problem] = await problemsOf(stage);
  assert.deepEqual([problem!.log, problem!.file], ["journal", path]);
  assert.match(problem!.message, /then remove the file$/);
  stage.disk.files.delete(path);
  assert.deepEqual(await problemsOf(stage), []);
});
