/** Every request that is served, in every version: it has an answer, and the client can read it. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { text, wireBytes } from "../../log/log-stage.test.ts";
import { openTestKafka, type TestKafka } from "../broker-stage.test.ts";
import { apiNames, SERVED } from "../codec/api-keys.ts";
import type { Draft } from "../codec/draft.ts";
import type { ApiName, Requests } from "../codec/generated/apis.ts";
import { createHandlers } from "./handlers.ts";

const TOPIC = "orders";

/** What a client that means well asks; `id` is that of the topic. */
type Sample<Name extends ApiName> = (id: string, nowMs: number) => Draft<Requests[Name]>;

const partition = { partition: 0, partitionIndex: 0, index: 0 };
const resource = { resourceType: 2, resourceName: TOPIC };
const group = { groupId: "g", memberId: "", generationId: -1 };

const SAMPLES: { readonly [Name in ApiName]?: Sample<Name> } = {
  ApiVersions: () => ({ clientSoftwareName: "test", clientSoftwareVersion: "1.0" }),
  Metadata: () => ({ topics: [{ name: TOPIC }], includeTopicAuthorizedOperations: true }),
  Produce: (topicId, timeMs) => ({
    acks: -1,
    topicData: [
      {
        name: TOPIC,
        topicId,
        partitionData: [{ index: 0, records: wireBytes([text("v", "k")], timeMs) }],
      },
    ],
  }),
  Fetch: (topicId) => ({
    maxBytes: 1000,
    topics: [{ topic: TOPIC, topicId, partitions: [{ ...partition, partitionMaxBytes: 1000 }] }],
  }),
  ListOffsets: () => ({ topics: [{ name: TOPIC, partitions: [{ ...partition, timestamp: -1 }] }] }),
  OffsetForLeaderEpoch: () => ({ topics: [{ topic: TOPIC, partitions: [partition] }] }),
  FindCoordinator: () => ({ key: "g", coordinatorKeys: ["g"] }),
  CreateTopics: () => ({
    topics: [{ name: "made", numPartitions: 2, replicationFactor: 3 }],
    validateOnly: true,
  }),
  DeleteTopics: () => ({ topics: [{ name: "unknown" }], topicNames: ["unknown"] }),
  CreatePartitions: () => ({
    topics: [{ name: TOPIC, count: 9, assignments: null }],
    validateOnly: true,
  }),
  DeleteRecords: () => ({ topics: [{ name: TOPIC, partitions: [{ ...partition, offset: -1 }] }] }),
  DescribeConfigs: () => ({
    resources: [
      { ...resource, configurationKeys: null },
      { resourceType: 4, resourceName: "0", configurationKeys: null },
    ],
    includeSynonyms: true,
  }),
  AlterConfigs: () => ({
    resources: [{ ...resource, configs: [{ name: "segment.ms", value: "9" }] }],
  }),
  IncrementalAlterConfigs: () => ({
    resources: [
      { ...resource, configs: [{ name: "segment.ms", configOperation: 1, value: null }] },
    ],
  }),
  DescribeCluster: () => ({ includeClusterAuthorizedOperations: true, endpointType: 1 }),
  DescribeLogDirs: () => ({ topics: null }),
  DescribeTopicPartitions: () => ({ responsePartitionLimit: 1 }),
  JoinGroup: () => ({
    ...group,
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 10_000,
    protocolType: "consumer",
    protocols: [{ name: "range", metadata: Buffer.from("m") }],
  }),
  SyncGroup: () => ({ ...group, generationId: 1 }),
  Heartbeat: () => ({ ...group, generationId: 1 }),
  LeaveGroup: () => ({ ...group, members: [{ memberId: "m" }] }),
  OffsetCommit: () => ({
    ...group,
    topics: [{ name: TOPIC, partitions: [{ ...partition, committedOffset: 0 }] }],
  }),
  OffsetFetch: () => ({
    ...group,
    topics: [{ name: TOPIC, partitionIndexes: [0] }],
    groups: [{ groupId: "g", topics: [{ name: TOPIC, partitionIndexes: [0] }] }],
  }),
};

/** Time stands still for those who wait for an answer, so it is pushed on. */
async function answerOf<Name extends ApiName>(
  kafka: TestKafka,
  api: Name,
  version: number,
  body: Draft<Requests[Name]>,
): Promise<unknown> {
  const state = { done: false };
  const asked = kafka.ask(api, version, body).finally(() => {
    state.done = true;
  });
  for (let pushes = 0; !state.done && pushes < 100; pushes++) {
    await kafka.environment.clock.settle();
    if (!state.done) await kafka.environment.clock.advance(1_000);
  }
  return asked;
}

test("every request has an answer in every version, and the client can read it", async (t) => {
  await using kafka = await openTestKafka();
  const { id } = (await kafka.broker.topics.create({ name: TOPIC, partitions: 2 }))!;
  const handlers = createHandlers(kafka.broker);
  let answered = 0;
  for (const api of apiNames()) {
    assert.ok(handlers[api] !== undefined, `nobody answers ${api}, which is told to be served`);
    const { min, max } = SERVED[api];
    for (let version = min; version <= max; version++) {
      const sample = SAMPLES[api]?.(id, kafka.environment.clock.now()) ?? {};
      for (const body of [{}, sample]) {
        // Acknowledgements that nobody wants are the one thing that has no answer.
        const wanted = api !== "Produce" || body === sample;
        const answer = await answerOf(kafka, api, version, body);
        assert.equal(answer !== undefined, wanted, `${api} v${version}`);
        answered++;
      }
    }
  }
  assert.ok(answered > 150, `${answered} answers`);
  t.diagnostic(`${answered} answers in all versions`);
});
