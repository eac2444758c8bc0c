/** DeleteTopics: by name, or by id from version 6 on. */

import type { Draft } from "../../codec/draft.ts";
import type {
  DeleteTopicState,
  DeleteTopicsResponse,
} from "../../codec/generated/delete-topics.ts";
import { ERROR } from "../../error-codes.ts";
import type { KafkaBroker } from "../../kafka-broker.ts";
import { NO_TOPIC_ID } from "../../topics/topic-id.ts";
import type { Call, Handler } from "../handler.ts";
import { refusal, refusalFor } from "../refusal.ts";

type TopicAnswer = Draft<DeleteTopicsResponse["responses"][number]>;

const BY_ID = 6;

export function createDeleteTopics(broker: KafkaBroker): Handler<"DeleteTopics"> {
  return async ({ topics, topicNames }, call) => {
    const asked: readonly DeleteTopicState[] =
      call.version >= BY_ID ? topics : topicNames.map((name) => ({ name, topicId: NO_TOPIC_ID }));
    const responses: TopicAnswer[] = [];
    for (const one of asked) responses.push(await remove(broker, one, call));
    return { responses };
  };
}

async function remove(
  { topics }: KafkaBroker,
  { name, topicId }: DeleteTopicState,
  call: Call,
): Promise<TopicAnswer> {
  const byId = topicId !== NO_TOPIC_ID;
  if ((name !== null) === byId) {
    const text = "name a topic by its name or by its id, not by both or neither";
    return { name, topicId, ...refusal(ERROR.INVALID_REQUEST, text) };
  }
  const topic = name === null ? topics.findById(topicId) : topics.find(name);
  const known = topic?.name ?? name;
  // Who may not see the topic is not told its name.
  if (byId && (topic === undefined || !call.may("read", "stream", topic.name))) {
    return { name: null, topicId, ...refusal(ERROR.UNKNOWN_TOPIC_ID) };
  }
  if (known !== null && !call.may("delete", "stream", known)) {
    return { name: known, topicId, ...refusal(ERROR.TOPIC_AUTHORIZATION_FAILED) };
  }
  if (topic === undefined) {
    return { name: known, topicId, ...refusal(ERROR.UNKNOWN_TOPIC_OR_PARTITION) };
  }
  try {
    await topics.delete(topic.name);
    return { name: topic.name, topicId: topic.id, errorCode: ERROR.NONE };
  } catch (error) {
    return { name: topic.name, topicId: topic.id, ...refusalFor(error) };
  }
}
