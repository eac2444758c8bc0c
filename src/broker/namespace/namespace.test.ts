import assert from "node:assert/strict";
import { test } from "node:test";
import { BROKER_TOPICS, runBrokerConformance } from "../../conformance/broker-conformance.ts";
import { message, messages, textOf } from "../../conformance/messages.ts";
import { memoryBroker } from "../../memory/broker.ts";
import { isMillraceError } from "../../model/errors.ts";
import { valuesOf } from "../../model/outcome.ts";
import { createTestEnvironment } from "../../testing/environment.ts";
import type { Broker } from "../broker.ts";
import type { StreamRecord } from "../streams.ts";
import { deleteNamespace, inNamespace, listNamespaces } from "./namespace.ts";

/** Two namespaces on one broker, and the broker itself. */
async function open() {
  const environment = createTestEnvironment();
  const factory = memoryBroker();
  return {
    environment,
    a: await inNamespace(factory, "tenant-a").open(environment),
    b: await inNamespace(factory, "tenant-b").open(environment),
    whole: await factory.open(environment),
  };
}

async function readAll({ streams }: Broker, stream: string): Promise<string[]> {
  const texts: string[] = [];
  for await (const records of streams!.read(stream, { partition: 0, from: "earliest" })) {
    texts.push(...records.map((record: StreamRecord) => textOf(record)));
  }
  return texts;
}

// proves: namespaces
test("one name in two namespaces is two streams and two queues that never mix", async () => {
  const { a, b, whole } = await open();
  for (const [broker, stem] of [
    [a, "of-a"],
    [b, "of-b"],
  ] as const) {
    await broker.streams!.ensureStream({ name: "orders", partitions: 1 });
    await broker.queues!.ensureQueue({ name: "desk" });
    valuesOf(await broker.streams!.append("orders", messages(3, { stem })));
    const items = messages(2, { stem }).map((each) => ({ message: each }));
    valuesOf(await broker.queues!.send("desk", items));
  }
  assert.deepEqual(await readAll(a, "orders"), ["of-a-0", "of-a-1", "of-a-2"]);
  assert.deepEqual(await readAll(b, "orders"), ["of-b-0", "of-b-1", "of-b-2"]);
  const receiver = await b.queues!.receive("desk", { credit: 10 });
  const { value: leases } = await receiver[Symbol.asyncIterator]().next();
  assert.ok(leases !== undefined);
  assert.deepEqual(
    leases.map((lease: { queue: string; message: Parameters<typeof textOf>[0] }) => [
      lease.queue,
      textOf(lease.message),
    ]),
    [
      ["desk", "of-b-0"],
      ["desk", "of-b-1"],
    ],
  );
  valuesOf(await b.queues!.accept(leases));
  assert.equal((await a.queues!.describeQueue("desk")).waiting, 2);
  assert.equal((await b.queues!.describeQueue("desk")).waiting, 0);

  const namesIn = async ({ streams, queues }: Broker): Promise<string[]> =>
    [...(await streams!.listStreams()), ...(await queues!.listQueues())].map(
      ({ spec }) => spec.name,
    );
  assert.deepEqual(await namesIn(a), ["orders", "desk"]);
  assert.deepEqual((await namesIn(whole)).toSorted(), [
    "ns.tenant-a.desk",
    "ns.tenant-a.orders",
    "ns.tenant-b.desk",
    "ns.tenant-b.orders",
  ]);
  assert.deepEqual(await listNamespaces(whole), ["tenant-a", "tenant-b"]);
});

test("groups of one name in two namespaces are two groups", async () => {
  const { a, b, whole, environment } = await open();
  for (const { streams } of [a, b]) {
    await streams!.ensureStream({ name: "orders", partitions: 1 });
    valuesOf(await streams!.append("orders", messages(5)));
  }
  const taken: string[] = [];
  const member = await a.streams!.joinGroup({
    group: "shop.view",
    streams: ["orders"],
    member: "m",
    run: async (assigned) => {
      taken.push(assigned.stream);
      await assigned.commit(3);
    },
  });
  await environment.clock.settle();
  assert.deepEqual(taken, ["orders"]);
  const [position] = (await a.streams!.describeGroup("shop.view")).positions;
  assert.deepEqual([position?.stream, position?.committed, position?.lag], ["orders", 3, 2]);
  assert.deepEqual(
    (await a.streams!.listGroups()).map(({ group }) => group),
    ["shop.view"],
  );
  assert.deepEqual(await b.streams!.listGroups(), []);
  assert.equal((await whole.streams!.listGroups())[0]?.group, "ns.tenant-a.shop.view");
  await member.close();
});

// proves: namespaces
test("deleting a namespace removes what is in it and nothing else", async () => {
  const { a, b, whole } = await open();
  for (const { streams, queues } of [a, b, whole]) {
    await streams!.ensureStream({ name: "orders", partitions: 2 });
    await queues!.ensureQueue({ name: "desk" });
  }
  assert.deepEqual(await deleteNamespace(whole, "tenant-a"), { streams: 1, queues: 1 });
  assert.deepEqual(await a.streams!.listStreams(), []);
  await assert.rejects(a.queues!.describeQueue("desk"), /ns\.tenant-a\.desk/);
  assert.equal((await b.queues!.listQueues()).length, 1);
  assert.equal((await whole.streams!.listStreams()).length, 2);
  assert.deepEqual(await deleteNamespace(whole, "tenant-a"), { streams: 0, queues: 0 });
});

// proves: namespaces
test("a quota refuses what is beyond it in its own namespace, and takes more once there is room", async () => {
  const environment = createTestEnvironment();
  const factory = memoryBroker();
  const quota = { queuedMessages: 5, streamBytes: 2_000 };
  const limited = await inNamespace(factory, "limited", quota).open(environment);
  const free = await inNamespace(factory, "free").open(environment);
  for (const { streams, queues } of [limited, free]) {
    await streams!.ensureStream({ name: "orders", partitions: 1 });
    await queues!.ensureQueue({ name: "one" });
    await queues!.ensureQueue({ name: "two" });
  }
  const items = messages(3).map((each) => ({ message: each }));
  const { queues } = limited;
  valuesOf(await queues!.send("one", items));
  const [refused] = await queues!.send("two", items);
  assert.ok(refused?.ok === false && isMillraceError(refused.error, "QUOTA_EXCEEDED"));
  assert.match(refused.error.message, /holds 3 messages in its queues and may hold 5; 3 more/);
  assert.equal((await queues!.describeQueue("two")).waiting, 0);
  valuesOf(await queues!.send("two", items.slice(0, 2)));
  valuesOf(await free.queues!.send("one", [...items, ...items]));

  const receiver = await queues!.receive("one", { credit: 10 });
  const { value: leases } = await receiver[Symbol.asyncIterator]().next();
  valuesOf(await queues!.accept(leases ?? []));
  await environment.clock.advance(60);
  valuesOf(await queues!.send("two", items));

  const large = { ...message("large"), value: new Uint8Array(1_500) };
  valuesOf(await limited.streams!.append("orders", [large]));
  const [full] = await limited.streams!.append("orders", [large]);
  assert.ok(full?.ok === false && isMillraceError(full.error, "QUOTA_EXCEEDED"));
  valuesOf(await free.streams!.append("orders", [large, large]));
});

test("a name that could reach into another namespace is none", () => {
  for (const name of ["", "a.b", ".", "-a", "a/b", "ä", "x".repeat(51)]) {
    assert.throws(
      () => inNamespace(memoryBroker(), name),
      (error) => isMillraceError(error, "BAD_CONFIG"),
      name,
    );
  }
  assert.throws(() => inNamespace(memoryBroker(), "a", { queuedMessages: 0 }), /from 1/);
});

/** The longest names that a broker takes are too long behind a namespace's beginning. */
const LONGEST_NAMES = "names and partition counts that some broker cannot have are refused";
const topics = BROKER_TOPICS.map(({ topic, cases }) => ({
  topic,
  cases: cases.filter(({ title }) => title !== LONGEST_NAMES),
}));

// Everything else that a broker must do, it must do from inside a namespace.
await runBrokerConformance({
  name: "memory in a namespace",
  topics,
  test: (title, run, { skip }) =>
    test(title, { ...(skip !== undefined && { skip }) }, () => run(() => {})),
  open: async () => {
    const environment = createTestEnvironment();
    const factory = inNamespace(memoryBroker(), "tenant", { queuedMessages: 1e9 });
    let broker = await factory.open(environment);
    const { clock } = environment;
    return {
      get broker() {
        return broker;
      },
      time: { now: () => clock.now(), pass: (ms) => clock.advance(ms) },
      faults: {
        restart: async () => {
          await broker.close();
          broker = await factory.open(environment);
        },
      },
      [Symbol.asyncDispose]: () => broker.close(),
    };
  },
});
