/** OffsetDelete: forgets how far a group has come in topics that it no longer reads. */

import { CONSUMER } from "../../groups/assigned-partitions.ts";
import type { GroupView } from "../../groups/group-view.ts";
import { ERROR } from "../../error-codes.ts";
import type { GroupBroker } from "../../kafka-broker.ts";
import type { Handler } from "../handler.ts";
import { commitError } from "./offset-commit.ts";

export function createOffsetDelete(broker: GroupBroker): Handler<"OffsetDelete"> {
  const { groups, topics, engine } = broker;
  return async ({ groupId: group, topics: asked }, call) => {
    if (!call.may("delete", "group", group)) {
      return { errorCode: ERROR.GROUP_AUTHORIZATION_FAILED };
    }
    const view = groups.view(group);
    if (view === undefined) return { errorCode: ERROR.GROUP_ID_NOT_FOUND };
    // Only consumers tell what they subscribe.
    const opaque = view.state !== "Empty" && view.protocolType !== CONSUMER;
    if (opaque) return { errorCode: ERROR.NON_EMPTY_GROUP };

    const gone: { stream: string; partition: number }[] = [];
    const checked = asked.map(({ name, partitions }) => {
      const mayRead = call.may("read", "stream", name);
      const told = partitions.map(({ partitionIndex }) => {
        const present = topics.find(name)?.partitions[partitionIndex] !== undefined;
        const errorCode = mayRead
          ? deletionRefusal(view, name, present)
          : ERROR.TOPIC_AUTHORIZATION_FAILED;
        if (errorCode === ERROR.NONE) gone.push({ stream: name, partition: partitionIndex });
        return { partitionIndex, errorCode };
      });
      return { name, partitions: told };
    });
    try {
      await engine.streamStorage.removePositions(group, gone);
    } catch (error) {
      return { errorCode: commitError(error) };
    }
    return { errorCode: ERROR.NONE, topics: checked };
  };
}

function deletionRefusal(view: GroupView, topic: string, present: boolean): number {
  if (!present) return ERROR.UNKNOWN_TOPIC_OR_PARTITION;
  return view.subscribes(topic) ? ERROR.GROUP_SUBSCRIBED_TO_TOPIC : ERROR.NONE;
}
