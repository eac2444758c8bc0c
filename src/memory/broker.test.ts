import assert from "node:assert/strict";
import { test } from "node:test";
import type { Broker } from "../broker/broker.ts";
import type { Lease, Queues } from "../broker/queues.ts";
import type { AssignedPartition, StreamRecord, Streams } from "../broker/streams.ts";
import { isMillraceError } from "../model/errors.ts";
import type { RawMessage } from "../model/message.ts";
import { valuesOf } from "../model/outcome.ts";
import { createTestEnvironment, type TestEnvironment } from "../testing/environment.ts";
import { memoryBroker } from "./broker.ts";

const encoder = new TextEncoder();
const message = (text: string, key: string | null = null, id?: string): RawMessage => ({
  key,
  headers: id === undefined ? [] : [["ce_id", id]],
  value: encoder.encode(text),
});
const text = ({ value }: RawMessage): string => new TextDecoder().decode(value ?? new Uint8Array());
const code = (wanted: string) => (error: unknown) =>
  isMillraceError(error) && error.code === wanted;

interface Opened {
  readonly environment: TestEnvironment;
  readonly broker: Broker;
  readonly streams: Streams;
  readonly queues: Queues;
}

async function open(): Promise<Opened> {
  const environment = createTestEnvironment();
  const broker = await memoryBroker().open(environment);
  return { environment, broker, streams: broker.streams!, queues: broker.queues! };
}

async function readAll(streams: Streams, stream: string, partition = 0): Promise<StreamRecord[]> {
  const records: StreamRecord[] = [];
  for await (const batch of streams.read(stream, { partition, from: "earliest" })) {
    records.push(...batch);
  }
  return records;
}

async function take(queues: Queues, queue: string, credit = 100): Promise<readonly Lease[]> {
  const receiver = await queues.receive(queue, { credit });
  const { value } = await receiver[Symbol.asyncIterator]().next();
  await receiver.close();
  return value ?? [];
}

test("messages of one key lie in one partition in the order of their calls", async () => {
  const { streams } = await open();
  await streams.ensureStream({ name: "orders", partitions: 4 });
  const calls = Array.from({ length: 100 }, (_, n) =>
    streams.append("orders", [message(String(n), `k${n % 5}`)]),
  );
  const placed = (await Promise.all(calls)).flatMap((outcomes) => valuesOf(outcomes));
  const partitions = new Map<string, Set<number>>();
  for (const [n, { partition }] of placed.entries()) {
    const key = `k${n % 5}`;
    partitions.set(key, (partitions.get(key) ?? new Set()).add(partition));
  }
  assert.deepEqual(
    [...partitions.values()].map((set) => set.size),
    [1, 1, 1, 1, 1],
  );
  let read = 0;
  for (let partition = 0; partition < 4; partition++) {
    const last = new Map<unknown, number>();
    for (const record of await readAll(streams, "orders", partition)) {
      assert.ok(Number(text(record)) > (last.get(record.key) ?? -1));
      last.set(record.key, Number(text(record)));
      read++;
    }
  }
  assert.equal(read, 100);
});

test("an id that comes twice is stored once, within a call, a tick and later", async () => {
  const { streams } = await open();
  await streams.ensureStream({ name: "s", partitions: 2, dedupe: { count: 10, ms: 1_000 } });
  const [within, beside] = await Promise.all([
    streams.append("s", [message("a", "k", "1"), message("a", "k", "1")]),
    streams.append("s", [message("a", "k", "1")]),
  ]);
  const later = await streams.append("s", [message("a", "k", "1")]);
  const all = [...within, ...beside, ...later].map((outcome) => valuesOf([outcome])[0]!);
  assert.deepEqual(
    all.map(({ duplicate }) => duplicate),
    [false, true, true, true],
  );
  assert.equal(new Set(all.map(({ offset }) => offset)).size, 1);
});

test("a follower sees what is appended later and ends when its signal aborts", async () => {
  const { streams } = await open();
  await streams.ensureStream({ name: "s", partitions: 1 });
  const stop = new AbortController();
  const seen: string[] = [];
  const reading = (async () => {
    const options = { partition: 0, from: "earliest", follow: true, signal: stop.signal } as const;
    for await (const batch of streams.read("s", options)) {
      seen.push(...batch.map(text));
      if (seen.length === 3) stop.abort();
    }
  })();
  for (const n of ["1", "2", "3"]) await streams.append("s", [message(n)]);
  await reading;
  assert.deepEqual(seen, ["1", "2", "3"]);
});

test("retention by count and by age removes the oldest, and a read of them says what is kept", async () => {
  const { streams, environment } = await open();
  await streams.ensureStream({ name: "s", partitions: 1, retention: { count: 5, ageMs: 60_000 } });
  for (let n = 0; n < 8; n++) await streams.append("s", [message(String(n))]);
  await environment.clock.advance(2_000);
  assert.equal((await readAll(streams, "s")).length, 5);
  await assert.rejects(
    async () => {
      for await (const _ of streams.read("s", { partition: 0, from: { offset: 2 } })) break;
    },
    (error) => isMillraceError(error, "OFFSET_OUT_OF_RANGE") && error.details["earliest"] === 3,
  );
  await environment.clock.advance(61_000);
  assert.equal((await readAll(streams, "s")).length, 0);
});

test("a partition moves to a new member after the first has returned from its run", async () => {
  const { streams, environment } = await open();
  await streams.ensureStream({ name: "s", partitions: 2 });
  await streams.append("s", [message("a"), message("b")], { partition: 0 });
  const log: string[] = [];
  const run = (name: string) => async (assigned: AssignedPartition) => {
    log.push(`${name} gets ${assigned.partition} at ${assigned.committed}`);
    await new Promise<void>((resolve) => {
      assigned.revoked.addEventListener("abort", () => resolve());
    });
    await assigned.commit(assigned.partition === 0 ? 2 : 0);
    log.push(`${name} leaves ${assigned.partition}`);
  };
  const join = (name: string) =>
    streams.joinGroup({ group: "g", streams: ["s"], member: name, run: run(name) });
  const first = await join("a");
  await environment.clock.settle();
  const second = await join("b");
  await environment.clock.settle();
  assert.equal(log.length, 4);
  assert.match(log[2]!, /a leaves/);
  assert.match(log[3]!, /b gets/);
  await first.close();
  await environment.clock.settle();
  const { positions } = await streams.describeGroup("g");
  assert.deepEqual(
    positions.map(({ member }) => member),
    ["b", "b"],
  );
  await assert.rejects(streams.seekGroup("g", "s", 0, "earliest"), code("FENCED"));
  await second.close();
  assert.equal(await streams.seekGroup("g", "s", 0, { offset: 1 }), 1);
  await assert.rejects(streams.seekGroup("g", "s", 0, { offset: 3 }), code("OFFSET_OUT_OF_RANGE"));
});

test("a run that rejects makes its member leave and tell why", async () => {
  const { streams } = await open();
  await streams.ensureStream({ name: "s", partitions: 3 });
  const member = await streams.joinGroup({
    group: "g",
    streams: ["s"],
    member: "a",
    run: async ({ partition, revoked }) => {
      if (partition === 1) throw new Error("broken");
      await new Promise<void>((resolve) => {
        if (revoked.aborted) resolve();
        revoked.addEventListener("abort", () => resolve());
      });
    },
  });
  await assert.rejects(member.ended, /broken/);
  await member.close();
});

test("a released message comes back with its attempts counted and dies after the last", async () => {
  const { queues, environment } = await open();
  await queues.ensureQueue({ name: "q", attempts: 2 });
  await queues.send("q", [{ message: message("poison") }]);
  const [first] = await take(queues, "q");
  assert.equal(first!.attempt, 1);
  await queues.release(first!, { delayMs: 500 });
  assert.equal((await queues.describeQueue("q")).delayed, 1);
  await environment.clock.advance(500);
  const [second] = await take(queues, "q");
  assert.equal(second!.attempt, 2);
  await queues.release(second!, { cause: { code: "E", message: "no" } });
  const [letter] = await queues.listDeadLetters("q");
  assert.deepEqual(letter!.cause, { code: "E", message: "no" });
  assert.equal(await queues.redriveDeadLetters("q", "all"), 1);
  const [third] = await take(queues, "q");
  assert.equal(third!.attempt, 1);
  assert.deepEqual(await queues.accept([third!, third!]).then((o) => o.map(({ ok }) => ok)), [
    true,
    false,
  ]);
});

test("a lease that ends unsettled gives the message to another, and its holder is told", async () => {
  const { queues, environment } = await open();
  await queues.ensureQueue({ name: "q", leaseMs: 1_000 });
  await queues.send("q", [{ message: message("a") }]);
  const [lost] = await take(queues, "q");
  const longer = await queues.extend(lost!, 3_000);
  await environment.clock.advance(2_999);
  assert.equal((await queues.describeQueue("q")).leased, 1);
  await environment.clock.advance(1);
  const [again] = await take(queues, "q");
  assert.equal(again!.attempt, 2);
  await assert.rejects(queues.release(longer), code("LEASE_LOST"));
  assert.equal((await queues.accept([again!]))[0]!.ok, true);
});

test("a receiver never holds more than its credit and gets more as it settles", async () => {
  const { queues, environment } = await open();
  await queues.ensureQueue({ name: "q" });
  await queues.send(
    "q",
    Array.from({ length: 10 }, (_, n) => ({ message: message(String(n)) })),
  );
  const receiver = await queues.receive("q", { credit: 3 });
  const groups = receiver[Symbol.asyncIterator]();
  const first = (await groups.next()).value ?? [];
  assert.equal(first.length, 3);
  const second: Lease[] = [];
  void groups.next().then(({ value }) => second.push(...(value ?? [])));
  await environment.clock.settle();
  assert.equal(second.length, 0);
  await queues.accept(first.slice(0, 1));
  await environment.clock.settle();
  assert.deepEqual(
    second.map((lease) => text(lease.message)),
    ["3"],
  );
  await receiver.close();
});

test("with key order a key's next message waits until the one before it is settled", async () => {
  const { queues } = await open();
  await queues.ensureQueue({ name: "q", keyOrder: true });
  const sends = ["a1", "a2", "b1", "a3"].map((name) => ({
    message: message(name, name.slice(0, 1)),
  }));
  await queues.send("q", sends);
  const first = await take(queues, "q");
  assert.deepEqual(
    first.map((lease) => text(lease.message)),
    ["a1", "b1"],
  );
  await queues.release(first[0]!);
  const [again] = await take(queues, "q");
  assert.equal(text(again!.message), "a1");
  await queues.accept([again!]);
  assert.equal(text((await take(queues, "q"))[0]!.message), "a2");
});

test("a queue at its depth refuses the rest of a call by item", async () => {
  const { queues } = await open();
  await queues.ensureQueue({ name: "q", depthMax: 2 });
  const outcomes = await queues.send(
    "q",
    ["a", "b", "c"].map((name) => ({ message: message(name) })),
  );
  assert.deepEqual(
    outcomes.map(({ ok }) => ok),
    [true, true, false],
  );
  assert.equal(outcomes[2]!.ok ? "" : outcomes[2]!.error.code, "QUEUE_FULL");
});

test("two openings of one factory are clients of one broker, and closing one keeps the other", async () => {
  const environment = createTestEnvironment();
  const factory = memoryBroker();
  const one = await factory.open(environment);
  await one.streams!.ensureStream({ name: "s", partitions: 1 });
  await one.streams!.append("s", [message("kept")]);
  await one.close();
  const two = await factory.open(environment);
  assert.deepEqual((await readAll(two.streams!, "s")).map(text), ["kept"]);
  const [outcome] = await one.streams!.append("s", [message("late")]);
  assert.equal(outcome!.ok ? "" : outcome!.error.code, "CLOSED");
});
