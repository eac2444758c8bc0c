/** OffsetCommit and OffsetFetch: what groups have read. */

import type { StoredPosition } from "../../../broker/in-process/stream/stream-storage.ts";
import { ERROR } from "../error-codes.ts";
import type { OffsetCommitRequest } from "../codec/generated/offset-commit.ts";
import { LEADER_EPOCH, type KafkaBroker } from "../kafka-broker.ts";
import type { Topic } from "../topics/topics.ts";
import type { Call, Handlers } from "./handler.ts";

const METADATA_BYTES_MAX = 4096;
/** From these versions on topics are named by id. */
const BY_ID = 10;

export function createOffsetHandlers(
  broker: KafkaBroker,
): Required<Pick<Handlers, "OffsetCommit" | "OffsetFetch">> {
  const { groups, topics, engine } = broker;
  const { streamStorage } = engine;
  type CommitPartition = OffsetCommitRequest["topics"][number]["partitions"][number];

  const topicOf = (call: Call, name: string, id: string): Topic | undefined =>
    call.version >= BY_ID ? topics.findById(id) : topics.find(name);

  async function commit(
    group: string,
    topic: Topic | undefined,
    { partitionIndex, committedOffset, committedMetadata }: CommitPartition,
  ): Promise<number> {
    if (topic?.partitions[partitionIndex] === undefined) return ERROR.UNKNOWN_TOPIC_OR_PARTITION;
    if (Buffer.byteLength(committedMetadata ?? "") > METADATA_BYTES_MAX) {
      return ERROR.OFFSET_METADATA_TOO_LARGE;
    }
    await streamStorage.savePosition(group, {
      stream: topic.name,
      partition: partitionIndex,
      offset: committedOffset,
      ...(committedMetadata && { metadata: committedMetadata }),
    });
    return ERROR.NONE;
  }

  /** A group that is not known has committed nothing: -1, as for a partition that it has not read. */
  function found(
    position: StoredPosition | undefined,
    partitionIndex: number,
  ): {
    partitionIndex: number;
    committedOffset: number;
    committedLeaderEpoch: number;
    metadata: string;
    errorCode: number;
  } {
    return {
      partitionIndex,
      committedOffset: position?.offset ?? -1,
      committedLeaderEpoch: position === undefined ? -1 : LEADER_EPOCH,
      metadata: position?.metadata ?? "",
      errorCode: ERROR.NONE,
    };
  }

  interface AskedTopic {
    readonly name: string;
    readonly topicId: string;
    readonly partitionIndexes: readonly number[];
  }

  function everything(group: string): AskedTopic[] {
    const byTopic = new Map<string, number[]>();
    for (const { stream, partition } of streamStorage.positions(group)) {
      const partitions = byTopic.get(stream) ?? [];
      partitions.push(partition);
      byTopic.set(stream, partitions);
    }
    return [...byTopic].flatMap(([name, partitionIndexes]) => {
      const topic = topics.find(name);
      return topic === undefined ? [] : [{ name, topicId: topic.id, partitionIndexes }];
    });
  }

  function look(group: string, asked: readonly AskedTopic[] | null, call: Call) {
    return (asked ?? everything(group)).map(({ name, topicId, partitionIndexes }) => {
      const topic = topicOf(call, name, topicId);
      return {
        name,
        topicId,
        partitions: partitionIndexes.map((partition) => ({
          ...found(topic && streamStorage.storedPosition(group, topic.name, partition), partition),
          ...(call.version >= BY_ID && topic === undefined
            ? { errorCode: ERROR.UNKNOWN_TOPIC_ID }
            : {}),
        })),
      };
    });
  }

  return {
    async OffsetCommit(request, call) {
      const { groupId: group, memberId, groupInstanceId: instanceId } = request;
      const allowed = call.may("read", "group", group);
      const generation = request.generationIdOrMemberEpoch;
      const refusal = allowed
        ? groups.mayCommit(group, { memberId, instanceId, generation })
        : ERROR.GROUP_AUTHORIZATION_FAILED;
      const answers = request.topics.map(async ({ name, topicId, partitions }) => {
        const topic = topicOf(call, name, topicId);
        const codes = partitions.map(async (partition) => ({
          partitionIndex: partition.partitionIndex,
          errorCode: refusal === ERROR.NONE ? await commit(group, topic, partition) : refusal,
        }));
        return { name, topicId, partitions: await Promise.all(codes) };
      });
      return { topics: await Promise.all(answers) };
    },

    OffsetFetch(request, call) {
      if (call.version >= 8) {
        const answers = request.groups.map(({ groupId, topics: asked }) =>
          call.may("read", "group", groupId)
            ? { groupId, topics: look(groupId, asked, call), errorCode: ERROR.NONE }
            : { groupId, topics: [], errorCode: ERROR.GROUP_AUTHORIZATION_FAILED },
        );
        return { groups: answers };
      }
      const { groupId, topics: asked } = request;
      if (!call.may("read", "group", groupId)) {
        return { topics: [], errorCode: ERROR.GROUP_AUTHORIZATION_FAILED };
      }
      const named = asked?.map((topic) => ({ ...topic, topicId: "" })) ?? null;
      return {
        topics: look(groupId, named, call).map(({ name, partitions }) => ({ name, partitions })),
        errorCode: ERROR.NONE,
      };
    },
  };
}
