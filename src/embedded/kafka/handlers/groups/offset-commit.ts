/**
 * OffsetCommit: where a group's members, or readers without a group, say how far they have come.
 *
 * What one request commits is one append to the state log: durable together when it is answered, or
 * refused together. How long to keep it, which old versions ask for, is ignored; it is kept until the
 * group or the topic is deleted.
 */

import type { StoredPosition } from "../../../../broker/in-process/stream/stream-storage.ts";
import { isMillraceError } from "../../../../model/errors.ts";
import { ERROR } from "../../error-codes.ts";
import type { GroupBroker } from "../../kafka-broker.ts";
import type { OffsetCommitRequestPartition } from "../../codec/generated/offset-commit.ts";
import type { Topic } from "../../topics/topics.ts";
import type { Handler } from "../handler.ts";

/** In characters, as Kafka counts them. */
const METADATA_LENGTH_MAX = 4096;
/** From this version on topics are named by id. */
const BY_ID = 10;

export function createOffsetCommit(broker: GroupBroker): Handler<"OffsetCommit"> {
  const { groups, topics } = broker;
  return async (request, call) => {
    const { groupId: group, memberId, groupInstanceId: instanceId } = request;
    const byId = call.version >= BY_ID;
    const generation = request.generationIdOrMemberEpoch;
    const refusal = call.may("read", "group", group)
      ? groups.mayCommit(group, { memberId, instanceId, generation })
      : ERROR.GROUP_AUTHORIZATION_FAILED;

    const accepted: StoredPosition[] = [];
    const find = topics.lookupById();
    const checked = request.topics.map((asked) => {
      const topic = byId ? find(asked.topicId) : topics.find(asked.name);
      const mayRead = call.may("read", "stream", topic?.name ?? asked.name);
      const unknown = byId ? ERROR.UNKNOWN_TOPIC_ID : ERROR.UNKNOWN_TOPIC_OR_PARTITION;
      const partitions = asked.partitions.map((partition) => {
        let error = commitRefusal(topic, partition, unknown);
        if (!mayRead) error = ERROR.TOPIC_AUTHORIZATION_FAILED;
        if (error === ERROR.NONE) error = refusal;
        if (error === ERROR.NONE) accepted.push(positionOf(topic!.name, partition));
        return { partitionIndex: partition.partitionIndex, errorCode: error };
      });
      return { name: asked.name, topicId: asked.topicId, partitions };
    });

    const failure = accepted.length > 0 ? await save(broker, group, accepted) : ERROR.NONE;
    const told = checked.map(({ partitions, ...topic }) => ({
      ...topic,
      partitions: partitions.map(({ partitionIndex, errorCode }) => ({
        partitionIndex,
        errorCode: errorCode === ERROR.NONE ? failure : errorCode,
      })),
    }));
    return { topics: told };
  };
}

/** Why an offset cannot be committed, whoever asks; `unknown` is for a topic that is not there. */
export function commitRefusal(
  topic: Topic | undefined,
  { partitionIndex, committedMetadata }: OffsetCommitRequestPartition,
  unknown: number,
): number {
  if (topic === undefined) return unknown;
  if (topic.partitions[partitionIndex] === undefined) return ERROR.UNKNOWN_TOPIC_OR_PARTITION;
  const tooLong = (committedMetadata?.length ?? 0) > METADATA_LENGTH_MAX;
  return tooLong ? ERROR.OFFSET_METADATA_TOO_LARGE : ERROR.NONE;
}

export function positionOf(
  stream: string,
  partition: OffsetCommitRequestPartition,
): StoredPosition {
  const { committedOffset, committedLeaderEpoch, committedMetadata } = partition;
  return {
    stream,
    partition: partition.partitionIndex,
    offset: committedOffset,
    ...(committedLeaderEpoch >= 0 && { leaderEpoch: committedLeaderEpoch }),
    ...(committedMetadata && { metadata: committedMetadata }),
  };
}

/** Returns the error code. The group is known from now on to those who look from within this process. */
async function save(
  { engine }: GroupBroker,
  group: string,
  positions: readonly StoredPosition[],
): Promise<number> {
  try {
    await engine.streamStorage.savePositions(group, positions);
    engine.streams.group(group);
    return ERROR.NONE;
  } catch (error) {
    return commitError(error);
  }
}

/** What a client is told when the state log takes nothing: it asks again, or another broker. */
export function commitError(error: unknown): number {
  if (isMillraceError(error, "TOO_LARGE")) return ERROR.INVALID_COMMIT_OFFSET_SIZE;
  if (isMillraceError(error)) return ERROR.COORDINATOR_NOT_AVAILABLE;
  throw error;
}
