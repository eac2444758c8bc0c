/** Metadata: the one broker, and the topics with their partitions. A topic that is missing is made. */

import { checkName } from "../../../broker/validate.ts";
import { ERROR } from "../error-codes.ts";
import { NODE_ID, type KafkaBroker } from "../kafka-broker.ts";
import { NO_TOPIC_ID } from "../topics/topic-id.ts";
import type { Topic, Topics } from "../topics/topics.ts";
import type { MetadataRequest, MetadataResponse } from "../codec/generated/metadata.ts";
import type { Draft } from "../codec/draft.ts";
import { firstOfEach } from "./asked-once.ts";
import type { Call, Handler } from "./handler.ts";
import { clusterOperations, OPERATIONS_UNTOLD, topicOperations } from "./operations.ts";
import { refusalFor } from "./refusal.ts";
import { toldPartitions } from "./topic-answer.ts";

type AskedTopic = NonNullable<MetadataRequest["topics"]>[number];
type TopicAnswer = Draft<MetadataResponse["topics"][number]>;

export function createMetadata(broker: KafkaBroker): Handler<"Metadata"> {
  const { engine, topics, address } = broker;
  return async (request, call) => {
    const byId = topics.lookupById();
    return {
      brokers: [{ nodeId: NODE_ID, ...address() }],
      clusterId: engine.cluster,
      controllerId: NODE_ID,
      clusterAuthorizedOperations: request.includeClusterAuthorizedOperations
        ? clusterOperations(call)
        : OPERATIONS_UNTOLD,
      topics: wantsAll(request, call)
        ? topics
            .all()
            .filter(({ name }) => call.may("read", "stream", name))
            .map((topic) => described(topic, request, call))
        : await Promise.all(
            distinct(request.topics ?? []).map((topic) =>
              answer(broker, request, { ...topic, byId }, call),
            ),
          ),
    };
  };
}

/** As in Kafka, a topic that is named again is told once. */
const distinct = (topics: readonly AskedTopic[]): readonly AskedTopic[] =>
  firstOfEach(topics, ({ name, topicId }) => (name === null ? `id ${topicId}` : `name ${name}`));

/** Version 0 has no null: there an empty list means all. */
function wantsAll({ topics }: MetadataRequest, { version }: Call): boolean {
  return topics === null || (version === 0 && topics.length === 0);
}

async function answer(
  { topics, settings }: KafkaBroker,
  request: MetadataRequest,
  {
    name,
    topicId,
    byId,
  }: {
    readonly name: string | null;
    readonly topicId: string;
    readonly byId: ReturnType<Topics["lookupById"]>;
  },
  call: Call,
): Promise<TopicAnswer> {
  if (name === null) {
    const topic = byId(topicId);
    // Who may not see a topic is not told that there is one.
    const seen = topic !== undefined && call.may("read", "stream", topic.name);
    if (seen) return described(topic, request, call);
    return { errorCode: ERROR.UNKNOWN_TOPIC_ID, name, topicId };
  }
  const refused = (errorCode: number): TopicAnswer => ({ errorCode, name, topicId: NO_TOPIC_ID });
  if (!call.may("read", "stream", name)) return refused(ERROR.TOPIC_AUTHORIZATION_FAILED);
  let topic = topics.find(name);
  if (topic !== undefined) return described(topic, request, call);
  const { autoCreate, partitions } = settings;
  try {
    checkName("stream", name);
    if (!request.allowAutoTopicCreation || !autoCreate) {
      return refused(ERROR.UNKNOWN_TOPIC_OR_PARTITION);
    }
    if (!call.may("create", "stream", name)) return refused(ERROR.TOPIC_AUTHORIZATION_FAILED);
    // Where it is not made now, somebody else has just made it, or removed it again.
    topic = (await topics.create({ name, partitions })) ?? topics.find(name);
  } catch (error) {
    const own = { BAD_ARGUMENT: ERROR.INVALID_TOPIC_EXCEPTION };
    return refused(refusalFor(error, own).errorCode);
  }
  if (topic === undefined) return refused(ERROR.UNKNOWN_TOPIC_OR_PARTITION);
  return described(topic, request, call);
}

function described(topic: Topic, request: MetadataRequest, call: Call): TopicAnswer {
  const { name, id } = topic;
  return {
    name,
    topicId: id,
    partitions: toldPartitions(topic),
    topicAuthorizedOperations: request.includeTopicAuthorizedOperations
      ? topicOperations(call, name)
      : OPERATIONS_UNTOLD,
  };
}
