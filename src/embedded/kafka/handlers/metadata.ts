/** Metadata: the one broker, and the topics with their partitions. A topic that is missing is made. */

import { isMillraceError } from "../../../model/errors.ts";
import { ERROR } from "../error-codes.ts";
import { LEADER_EPOCH, NODE_ID, type KafkaBroker } from "../kafka-broker.ts";
import { NO_TOPIC_ID } from "../topics/topic-id.ts";
import type { Topic } from "../topics/topics.ts";
import type { MetadataRequest, MetadataResponse } from "../codec/generated/metadata.ts";
import type { Draft } from "../codec/draft.ts";
import type { Call, Handler } from "./handler.ts";

type TopicAnswer = Draft<MetadataResponse["topics"][number]>;

export function createMetadata(broker: KafkaBroker): Handler<"Metadata"> {
  const { engine, topics, address } = broker;
  return async (request, call) => ({
    brokers: [{ nodeId: NODE_ID, ...address() }],
    clusterId: engine.cluster,
    controllerId: NODE_ID,
    topics: wantsAll(request, call)
      ? topics
          .all()
          .filter(({ name }) => call.may("read", "stream", name))
          .map(described)
      : await Promise.all(
          (request.topics ?? []).map((topic) => answer(broker, request, topic, call)),
        ),
  });
}

/** Version 0 has no null: there an empty list means all. */
function wantsAll({ topics }: MetadataRequest, { version }: Call): boolean {
  return topics === null || (version === 0 && topics.length === 0);
}

async function answer(
  { topics, settings }: KafkaBroker,
  { allowAutoTopicCreation }: MetadataRequest,
  asked: { readonly name: string | null; readonly topicId: string },
  call: Call,
): Promise<TopicAnswer> {
  const { name, topicId } = asked;
  if (name === null) {
    const topic = topics.findById(topicId);
    const seen = topic !== undefined && call.may("read", "stream", topic.name);
    return seen ? described(topic) : { errorCode: ERROR.UNKNOWN_TOPIC_ID, name, topicId };
  }
  const refused = (errorCode: number): TopicAnswer => ({ errorCode, name, topicId: NO_TOPIC_ID });
  if (!call.may("read", "stream", name)) return refused(ERROR.TOPIC_AUTHORIZATION_FAILED);
  const topic = topics.find(name);
  if (topic !== undefined) return described(topic);
  const partitions = settings.autoCreatePartitions;
  const creates = allowAutoTopicCreation && partitions > 0 && call.may("create", "stream", name);
  if (!creates) return refused(ERROR.UNKNOWN_TOPIC_OR_PARTITION);
  try {
    return described(await topics.create({ name, partitions }));
  } catch (error) {
    if (isMillraceError(error, "BAD_ARGUMENT")) return refused(ERROR.INVALID_TOPIC_EXCEPTION);
    throw error;
  }
}

function described({ name, id, partitions }: Topic): TopicAnswer {
  return {
    name,
    topicId: id,
    partitions: partitions.map((_, partitionIndex) => ({
      partitionIndex,
      leaderId: NODE_ID,
      leaderEpoch: LEADER_EPOCH,
      replicaNodes: [NODE_ID],
      isrNodes: [NODE_ID],
    })),
  };
}
