import assert from "node:assert/strict";
import { test } from "node:test";
import { createMemoryDisk } from "../../../log/open-log.ts";
import { message } from "../../../broker-stage.test.ts";
import { openTestKafka, type TestKafka } from "../../broker-stage.test.ts";
import type { Draft } from "../../codec/draft.ts";
import type {
  DescribeTopicPartitionsRequest,
  DescribeTopicPartitionsResponse,
} from "../../codec/generated/describe-topic-partitions.ts";
import { ERROR } from "../../error-codes.ts";
import { NO_TOPIC_ID } from "../../topics/topic-id.ts";

const TOPIC = 2;
const BROKER = 4;
const usual = { numPartitions: -1, replicationFactor: -1, assignments: [], configs: [] };

/** As kafka-configs would show them. */
async function configsOf(kafka: TestKafka, name: string): Promise<Record<string, string | null>> {
  const { results } = await kafka.tell("DescribeConfigs", 4, {
    resources: [{ resourceType: TOPIC, resourceName: name, configurationKeys: null }],
  });
  const changed = results[0]!.configs.filter(({ configSource }) => configSource === 1);
  return Object.fromEntries(changed.map((config) => [config.name, config.value]));
}

test("a topic is created as it is asked for, and told so", async () => {
  await using kafka = await openTestKafka();
  const { topics } = await kafka.tell("CreateTopics", 7, {
    topics: [
      { ...usual, name: "usual" },
      {
        ...usual,
        name: "asked",
        numPartitions: 3,
        replicationFactor: 3,
        configs: [
          { name: "cleanup.policy", value: "compact" },
          { name: "segment.ms", value: "1000" },
        ],
      },
      {
        ...usual,
        name: "assigned",
        assignments: [
          { partitionIndex: 1, brokerIds: [5, 6] },
          { partitionIndex: 0, brokerIds: [6, 7] },
        ],
      },
    ],
  });
  assert.deepEqual(
    topics.map((topic) => [topic.errorCode, topic.numPartitions, topic.replicationFactor]),
    [
      [ERROR.NONE, 1, 1],
      [ERROR.NONE, 3, 1],
      [ERROR.NONE, 2, 1],
    ],
  );
  assert.equal(topics[1]!.topicId, kafka.broker.topics.find("asked")!.id);
  const asked = await kafka.streams.describeStream("asked");
  assert.deepEqual(asked.spec.compaction, {});
  assert.deepEqual(await configsOf(kafka, "asked"), {
    "cleanup.policy": "compact",
    "segment.ms": "1000",
  });
});

test("a topic that cannot be created is refused with the protocol's code and what is wrong", async () => {
  await using kafka = await openTestKafka();
  await kafka.broker.topics.create({ name: "taken", partitions: 1 });
  const config = (name: string, value: string): object => ({ configs: [{ name, value }] });
  const cases: readonly (readonly [name: string, asked: object, code: number, text: RegExp])[] = [
    ["taken", {}, ERROR.TOPIC_ALREADY_EXISTS, /taken/],
    ["a/b", {}, ERROR.INVALID_TOPIC_EXCEPTION, /a\/b/],
    ["none", { numPartitions: 0 }, ERROR.INVALID_PARTITIONS, /partitions of none/],
    ["many", { numPartitions: 100_000 }, ERROR.INVALID_PARTITIONS, /100000/],
    ["bare", { replicationFactor: 0 }, ERROR.INVALID_REPLICATION_FACTOR, /0 replicas/],
    ["odd", config("no.such", "1"), ERROR.INVALID_CONFIG, /no\.such/],
    ["bad", config("retention.ms", "soon"), ERROR.INVALID_CONFIG, /retention\.ms/],
    [
      "both",
      { numPartitions: 1, assignments: [{ partitionIndex: 0, brokerIds: [0] }] },
      ERROR.INVALID_REQUEST,
      /both/,
    ],
    [
      "gap",
      { assignments: [{ partitionIndex: 1, brokerIds: [0] }] },
      ERROR.INVALID_REPLICA_ASSIGNMENT,
      /gap/,
    ],
  ];
  const { topics } = await kafka.tell("CreateTopics", 7, {
    topics: [
      ...cases.map(([name, asked]) => ({ ...usual, name, ...asked })),
      { ...usual, name: "twin" },
      { ...usual, name: "twin" },
    ],
  });
  for (const [index, [name, , code, text]] of cases.entries()) {
    assert.equal(topics[index]!.errorCode, code, name);
    assert.match(topics[index]!.errorMessage ?? "", text, name);
  }
  assert.equal(topics.length, cases.length + 1);
  assert.equal(topics.at(-1)!.errorCode, ERROR.INVALID_REQUEST);
  assert.deepEqual(
    kafka.broker.topics.all().map(({ name }) => name),
    ["taken"],
  );
});

test("what is only to be validated changes nothing", async () => {
  await using kafka = await openTestKafka();
  await kafka.broker.topics.create({ name: "t", partitions: 1 });
  const validateOnly = true;
  const resource = { resourceType: TOPIC, resourceName: "t" };
  const set = { name: "segment.ms", value: "9" };
  const [created, grown, altered, changed] = await Promise.all([
    kafka.tell("CreateTopics", 7, { topics: [{ ...usual, name: "new" }], validateOnly }),
    kafka.tell("CreatePartitions", 3, {
      topics: [{ name: "t", count: 2, assignments: null }],
      validateOnly,
    }),
    kafka.tell("AlterConfigs", 2, { resources: [{ ...resource, configs: [set] }], validateOnly }),
    kafka.tell("IncrementalAlterConfigs", 1, {
      resources: [{ ...resource, configs: [{ ...set, configOperation: 0 }] }],
      validateOnly,
    }),
  ]);
  const answers = [created.topics, grown.results, altered.responses, changed.responses];
  for (const [answer] of answers) assert.equal(answer!.errorCode, ERROR.NONE);
  assert.equal(kafka.broker.topics.find("new"), undefined);
  assert.equal(kafka.broker.topics.find("t")!.partitions.length, 1);
  assert.deepEqual(await configsOf(kafka, "t"), {});
});

test("configs are set, deleted, appended to and subtracted from, each topic as a whole or not at all", async () => {
  const disk = createMemoryDisk();
  const change = async (kafka: TestKafka, ...changes: [string, number, string | null][]) => {
    const configs = changes.map(([name, configOperation, value]) => ({
      name,
      configOperation,
      value,
    }));
    const resources = [{ resourceType: TOPIC, resourceName: "t", configs }];
    const { responses } = await kafka.tell("IncrementalAlterConfigs", 1, { resources });
    return responses[0]!.errorCode;
  };
  const [SET, DELETE, APPEND, SUBTRACT] = [0, 1, 2, 3] as const;
  {
    await using kafka = await openTestKafka(disk);
    await kafka.broker.topics.create({ name: "t", partitions: 1 });
    assert.equal(await change(kafka, ["retention.ms", SET, "1000"]), ERROR.NONE);
    assert.equal(await change(kafka, ["cleanup.policy", APPEND, "compact"]), ERROR.NONE);
    const both = { "cleanup.policy": "compact,delete", "retention.ms": "1000" };
    assert.deepEqual(await configsOf(kafka, "t"), both);
    const { spec } = await kafka.streams.describeStream("t");
    assert.deepEqual([spec.retention, spec.compaction], [{ ageMs: 1000 }, {}]);
    const half = change(kafka, ["segment.ms", SET, "9"], ["retention.ms", SET, "soon"]);
    assert.equal(await half, ERROR.INVALID_CONFIG);
    assert.equal(await change(kafka, ["no.such", DELETE, null]), ERROR.INVALID_CONFIG);
    assert.equal(await change(kafka, ["segment.ms", APPEND, "9"]), ERROR.INVALID_CONFIG);
    assert.equal(await change(kafka, ["segment.ms", 7, "9"]), ERROR.INVALID_CONFIG);
    const twice = change(kafka, ["segment.ms", SET, "9"], ["segment.ms", DELETE, null]);
    assert.equal(await twice, ERROR.INVALID_REQUEST);
    assert.deepEqual(await configsOf(kafka, "t"), both);
    assert.equal(await change(kafka, ["cleanup.policy", SUBTRACT, "delete"]), ERROR.NONE);
  }
  await using kafka = await openTestKafka(disk);
  const kept = { "cleanup.policy": "compact", "retention.ms": "1000" };
  assert.deepEqual(await configsOf(kafka, "t"), kept);
  assert.equal((await kafka.streams.describeStream("t")).spec.retention, undefined);
  assert.equal(await change(kafka, ["cleanup.policy", DELETE, null]), ERROR.NONE);
  assert.deepEqual(await configsOf(kafka, "t"), { "retention.ms": "1000" });
  const all = {
    resourceType: TOPIC,
    resourceName: "t",
    configs: [{ name: "flush.ms", value: "5" }],
  };
  await kafka.tell("AlterConfigs", 2, { resources: [all] });
  assert.deepEqual(await configsOf(kafka, "t"), { "flush.ms": "5" });
});

test("every config is told with its type, its source and what would hold without it", async () => {
  await using kafka = await openTestKafka();
  await kafka.streams.ensureStream({ name: "t", partitions: 1, retention: { ageMs: 5 } });
  const { results } = await kafka.tell("DescribeConfigs", 4, {
    resources: [
      { resourceType: TOPIC, resourceName: "t", configurationKeys: null },
      { resourceType: BROKER, resourceName: "0", configurationKeys: null },
      { resourceType: BROKER, resourceName: "", configurationKeys: null },
      { resourceType: BROKER, resourceName: "1", configurationKeys: null },
      { resourceType: TOPIC, resourceName: "unknown", configurationKeys: null },
      { resourceType: 16, resourceName: "metrics", configurationKeys: null },
    ],
    includeSynonyms: true,
  });
  const some = await kafka.tell("DescribeConfigs", 4, {
    resources: [{ resourceType: TOPIC, resourceName: "t", configurationKeys: ["flush.messages"] }],
  });
  const [topic, broker, all, other, unknown, metrics] = results;
  const [one] = some.results;
  assert.equal(topic!.configs.length, 33);
  const retention = topic!.configs.find(({ name }) => name === "retention.ms");
  assert.deepEqual(retention, {
    name: "retention.ms",
    value: "5",
    readOnly: false,
    configSource: 1,
    isSensitive: false,
    configType: 5,
    documentation: null,
    synonyms: [
      { name: "retention.ms", value: "5", source: 1 },
      { name: "log.retention.ms", value: "-1", source: 5 },
    ],
  });
  assert.ok(broker!.configs.every(({ readOnly }) => readOnly));
  const told = Object.fromEntries(broker!.configs.map(({ name, value }) => [name, value]));
  assert.equal(told["log.flush.interval.messages"], "1");
  assert.equal(told["advertised.listeners"], "PLAINTEXT://127.0.0.1:9092");
  assert.equal(told["log.dirs"], "/data");
  assert.deepEqual([all!.errorCode, all!.configs], [ERROR.NONE, []]);
  assert.equal(other!.errorCode, ERROR.INVALID_REQUEST);
  assert.equal(unknown!.errorCode, ERROR.UNKNOWN_TOPIC_OR_PARTITION);
  assert.equal(metrics!.errorCode, ERROR.INVALID_REQUEST);
  assert.deepEqual(
    one!.configs.map(({ name, value }) => [name, value]),
    [["flush.messages", "1"]],
  );
});

test("partitions are added, but not under a service of this process", async () => {
  await using kafka = await openTestKafka();
  await kafka.broker.topics.create({ name: "free", partitions: 1 });
  await kafka.streams.ensureStream({ name: "declared", partitions: 2 });
  const assignments = [{ brokerIds: [0] }, { brokerIds: [0] }];
  const { results } = await kafka.tell("CreatePartitions", 3, {
    topics: [
      { name: "free", count: 3, assignments },
      { name: "declared", count: 4, assignments: null },
      { name: "unknown", count: 4, assignments: null },
    ],
  });
  assert.deepEqual(
    results.map(({ errorCode }) => errorCode),
    [ERROR.NONE, ERROR.INVALID_PARTITIONS, ERROR.UNKNOWN_TOPIC_OR_PARTITION],
  );
  assert.match(results[1]!.errorMessage ?? "", /declared in this process.*keys would move/);
  assert.equal(kafka.broker.topics.find("free")!.partitions.length, 3);
  const again = await kafka.tell("CreatePartitions", 3, {
    topics: [
      { name: "free", count: 3, assignments: null },
      { name: "declared", count: 3, assignments },
    ],
  });
  assert.ok(again.results.every(({ errorCode }) => errorCode === ERROR.INVALID_PARTITIONS));
});

test("records are deleted up to an offset, and all of them by -1", async () => {
  await using kafka = await openTestKafka();
  await kafka.broker.topics.create({ name: "t", partitions: 2 });
  const digits = ["0", "1", "2", "3"];
  await kafka.streams.append(
    "t",
    digits.map((digit) => message(digit)),
    { partition: 0 },
  );
  const trim = async (offset: number, partitionIndex = 0) => {
    const { topics } = await kafka.tell("DeleteRecords", 2, {
      topics: [{ name: "t", partitions: [{ partitionIndex, offset }] }],
    });
    const { errorCode, lowWatermark } = topics[0]!.partitions[0]!;
    return [errorCode, lowWatermark];
  };
  assert.deepEqual(await trim(2), [ERROR.NONE, 2]);
  assert.deepEqual(await trim(1), [ERROR.NONE, 2]);
  assert.deepEqual(await trim(5), [ERROR.OFFSET_OUT_OF_RANGE, -1]);
  assert.deepEqual(await trim(-2), [ERROR.OFFSET_OUT_OF_RANGE, -1]);
  assert.deepEqual(await trim(0, 2), [ERROR.UNKNOWN_TOPIC_OR_PARTITION, -1]);
  assert.equal((await kafka.streams.describeStream("t")).partitions[0]!.earliest, 2);
  assert.deepEqual(await trim(-1), [ERROR.NONE, 4]);
});

test("a topic is deleted by its name or its id, and a client is told which were not there", async () => {
  await using kafka = await openTestKafka();
  await kafka.broker.topics.create({ name: "named", partitions: 1 });
  const { id } = (await kafka.broker.topics.create({ name: "by-id", partitions: 1 }))!;
  const unknown = Buffer.alloc(16, 7).toString("base64url");
  const { responses } = await kafka.tell("DeleteTopics", 6, {
    topics: [
      { name: "named", topicId: NO_TOPIC_ID },
      { name: null, topicId: id },
      { name: "unknown", topicId: NO_TOPIC_ID },
      { name: null, topicId: unknown },
      { name: null, topicId: NO_TOPIC_ID },
    ],
  });
  assert.deepEqual(
    responses.map(({ name, errorCode }) => [name, errorCode]),
    [
      ["named", ERROR.NONE],
      ["by-id", ERROR.NONE],
      ["unknown", ERROR.UNKNOWN_TOPIC_OR_PARTITION],
      [null, ERROR.UNKNOWN_TOPIC_ID],
      [null, ERROR.INVALID_REQUEST],
    ],
  );
  assert.deepEqual(kafka.broker.topics.all(), []);
});

test("topics are told a bounded number of partitions at a time, from where the cursor stands", async () => {
  await using kafka = await openTestKafka();
  for (const name of ["b", "a", "c"]) await kafka.broker.topics.create({ name, partitions: 3 });
  const told: string[] = [];
  let cursor: DescribeTopicPartitionsResponse["nextCursor"] = null;
  let answers = 0;
  do {
    const page: Draft<DescribeTopicPartitionsRequest> = { responsePartitionLimit: 2, cursor };
    const answer: DescribeTopicPartitionsResponse = await kafka.tell(
      "DescribeTopicPartitions",
      0,
      page,
    );
    for (const { name, partitions } of answer.topics) {
      for (const { partitionIndex } of partitions) told.push(`${name}${partitionIndex}`);
    }
    cursor = answer.nextCursor;
    answers++;
  } while (cursor !== null);
  assert.deepEqual(told, ["a0", "a1", "a2", "b0", "b1", "b2", "c0", "c1", "c2"]);
  assert.equal(answers, 5);
  const { topics } = await kafka.tell("DescribeTopicPartitions", 0, {
    topics: [{ name: "unknown" }, { name: "b" }],
    responsePartitionLimit: 100,
  });
  assert.deepEqual(
    topics.map(({ name, errorCode }) => [name, errorCode]),
    [
      ["b", ERROR.NONE],
      ["unknown", ERROR.UNKNOWN_TOPIC_OR_PARTITION],
    ],
  );
  // Kafka's Java clients fail on null.
  assert.deepEqual(topics[0]!.partitions[0]!.eligibleLeaderReplicas, []);
});

test("the disk use of each partition is what its log takes", async () => {
  await using kafka = await openTestKafka();
  await kafka.broker.topics.create({ name: "t", partitions: 2 });
  await kafka.streams.append("t", [message("x".repeat(1000))], { partition: 1 });
  const { results } = await kafka.tell("DescribeLogDirs", 4, { topics: null });
  const sizes = results[0]!.topics[0]!.partitions.map(({ partitionSize }) => partitionSize);
  assert.equal(sizes[0], 0);
  assert.ok(sizes[1]! > 1000 && sizes[1]! < 1200, String(sizes[1]));
  const { partitions } = await kafka.streams.describeStream("t");
  assert.equal(partitions[1]!.bytes, sizes[1]);
});

test("who may do nothing changes nothing and is told nothing", async () => {
  await using kafka = await openTestKafka();
  const { id } = (await kafka.broker.topics.create({ name: "t", partitions: 1 }))!;
  const may = { may: (): boolean => false };
  const resource = { resourceType: TOPIC, resourceName: "t", configs: [] };
  const broker = { resourceType: BROKER, resourceName: "0", configurationKeys: null };
  const create = { topics: [{ ...usual, name: "n" }] };
  const remove = {
    topics: [
      { name: "t", topicId: NO_TOPIC_ID },
      { name: null, topicId: id },
    ],
  };
  const grow = { topics: [{ name: "t", count: 2, assignments: null }] };
  const trim = { topics: [{ name: "t", partitions: [{ partitionIndex: 0, offset: -1 }] }] };
  const codes = [
    (await kafka.tell("CreateTopics", 7, create, may)).topics[0]!.errorCode,
    ...(await kafka.tell("DeleteTopics", 6, remove, may)).responses.map((one) => one.errorCode),
    (await kafka.tell("CreatePartitions", 3, grow, may)).results[0]!.errorCode,
    (await kafka.tell("DeleteRecords", 2, trim, may)).topics[0]!.partitions[0]!.errorCode,
    (await kafka.tell("AlterConfigs", 2, { resources: [resource] }, may)).responses[0]!.errorCode,
    (await kafka.tell("DescribeConfigs", 4, { resources: [broker] }, may)).results[0]!.errorCode,
    (await kafka.tell("DescribeLogDirs", 4, { topics: null }, may)).errorCode,
  ];
  const topic = ERROR.TOPIC_AUTHORIZATION_FAILED;
  const cluster = ERROR.CLUSTER_AUTHORIZATION_FAILED;
  assert.deepEqual(codes, [
    topic,
    topic,
    ERROR.UNKNOWN_TOPIC_ID,
    topic,
    topic,
    topic,
    cluster,
    cluster,
  ]);
  const told = await kafka.tell("DescribeTopicPartitions", 0, { responsePartitionLimit: 9 }, may);
  assert.deepEqual(told.topics, []);
  assert.equal(kafka.broker.topics.find("t")!.partitions.length, 1);
});
