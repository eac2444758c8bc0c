/** CreateTopics: a stream for each topic, with its configs. They are made side by side. */

import { isMillraceError } from "../../../../model/errors.ts";
import type { StreamSpec } from "../../../../broker/streams.ts";
import { checkStreamSpec } from "../../../../broker/validate.ts";
import type { Draft } from "../../codec/draft.ts";
import type { CreatableTopic, CreateTopicsResponse } from "../../codec/generated/create-topics.ts";
import { ERROR } from "../../error-codes.ts";
import type { KafkaBroker } from "../../kafka-broker.ts";
import { listTopicConfigs } from "../../topics/config-listing.ts";
import { checkedConfig, withOverrides } from "../../topics/topic-config.ts";
import { NO_TOPIC_ID } from "../../topics/topic-id.ts";
import type { Call, Handler } from "../handler.ts";
import { refusal, refusalFor, type Refusal } from "../refusal.ts";

type TopicAnswer = Draft<CreateTopicsResponse["topics"][number]>;

/** What a number says that leaves the choice to the broker. */
const USUAL = -1;

export function createCreateTopics(broker: KafkaBroker): Handler<"CreateTopics"> {
  return async ({ topics: asked, validateOnly }, call) => {
    const counts = new Map<string, number>();
    for (const { name } of asked) counts.set(name, (counts.get(name) ?? 0) + 1);
    const once = new Map(asked.map((topic) => [topic.name, topic]));
    const answers = Array.from(once, async ([name, topic]): Promise<TopicAnswer> => {
      const count = counts.get(name)!;
      return count > 1
        ? { name, ...refusal(ERROR.INVALID_REQUEST, `${name} is in the request ${count} times`) }
        : { name, ...(await create(broker, topic, { call, validateOnly })) };
    });
    return { topics: await Promise.all(answers) };
  };
}

interface Circumstances {
  readonly call: Call;
  readonly validateOnly: boolean;
}

async function create(
  { topics, settings }: KafkaBroker,
  asked: CreatableTopic,
  { call, validateOnly }: Circumstances,
): Promise<Omit<TopicAnswer, "name">> {
  const { name } = asked;
  if (!call.may("create", "stream", name)) return refusal(ERROR.TOPIC_AUTHORIZATION_FAILED);
  const exists = refusal(ERROR.TOPIC_ALREADY_EXISTS, `there is a topic ${name} already`);
  if (topics.find(name) !== undefined) return exists;
  const spec = specOf(asked, settings.partitions);
  if ("errorCode" in spec) return spec;
  const made = {
    numPartitions: spec.partitions,
    replicationFactor: 1,
    configs: listTopicConfigs(spec).map((config) => ({
      name: config.name,
      value: config.value,
      readOnly: config.readOnly,
      configSource: config.source,
    })),
  };
  if (validateOnly) return { ...made, topicId: NO_TOPIC_ID };
  try {
    const topic = await topics.create(spec);
    return topic === undefined ? exists : { ...made, topicId: topic.id };
  } catch (error) {
    return refusalFor(error);
  }
}

/** What to make, or why it cannot be made. */
function specOf(asked: CreatableTopic, usualPartitions: number): StreamSpec | Refusal {
  const { name, assignments, replicationFactor } = asked;
  const wrongCopies = refuseReplicas(asked);
  if (wrongCopies !== undefined) return wrongCopies;
  if (replicationFactor < USUAL || replicationFactor === 0) {
    return refusal(
      ERROR.INVALID_REPLICATION_FACTOR,
      `${name} cannot have ${replicationFactor} replicas; give 1 or more, or -1`,
    );
  }
  const numbered = asked.numPartitions === USUAL ? usualPartitions : asked.numPartitions;
  const partitions = assignments.length > 0 ? assignments.length : numbered;
  const plain = { name, partitions };
  try {
    checkStreamSpec({ ...plain, partitions: 1 });
  } catch (error) {
    return refusalFor(error, { BAD_ARGUMENT: ERROR.INVALID_TOPIC_EXCEPTION });
  }
  try {
    checkStreamSpec(plain);
  } catch (error) {
    return refusalFor(error, { BAD_ARGUMENT: ERROR.INVALID_PARTITIONS });
  }
  try {
    const overrides = new Map<string, string>();
    for (const config of asked.configs) {
      // Null means the default, as in Kafka.
      if (config.value === null) continue;
      overrides.set(config.name, checkedConfig(config.name, config.value));
    }
    const spec = withOverrides(plain, overrides);
    checkStreamSpec(spec);
    return spec;
  } catch (error) {
    if (!isMillraceError(error)) throw error;
    return refusalFor(error, { BAD_ARGUMENT: ERROR.INVALID_CONFIG });
  }
}

/** A hand-made assignment says only how many partitions there are: there is one broker. */
function refuseReplicas({
  name,
  assignments,
  numPartitions,
  replicationFactor,
}: CreatableTopic): Refusal | undefined {
  if (assignments.length === 0) return undefined;
  if (numPartitions !== USUAL || replicationFactor !== USUAL) {
    return refusal(
      ERROR.INVALID_REQUEST,
      `${name} has an assignment of replicas; leave the numbers of partitions and replicas at -1`,
    );
  }
  const indexes = assignments.map(({ partitionIndex }) => partitionIndex).toSorted((a, b) => a - b);
  const wrong = indexes.some((partition, index) => partition !== index);
  if (!wrong && assignments.every(({ brokerIds }) => brokerIds.length > 0)) return undefined;
  return refusal(
    ERROR.INVALID_REPLICA_ASSIGNMENT,
    `the assignment of ${name} must name the partitions from 0 on, each once, with its brokers`,
  );
}
