/** OffsetFetch: how far groups have come. */

import type { OffsetFetchResponsePartitions } from "../../codec/generated/offset-fetch.ts";
import { ERROR } from "../../error-codes.ts";
import type { GroupBroker } from "../../kafka-broker.ts";
import { AskedOnce } from "../asked-once.ts";
import type { Call, Handler } from "../handler.ts";

/** Versions from which on. */
const GROUP_ERROR = 2;
const MANY_GROUPS = 8;
const BY_ID = 10;

interface AskedTopic {
  readonly name: string;
  readonly topicId: string;
  readonly partitionIndexes: readonly number[];
}

interface Question {
  readonly group: string;
  /** Null asks for everything that is committed. */
  readonly topics: readonly AskedTopic[] | null;
  /** What an open transaction may still change is not told. */
  readonly requireStable: boolean;
  /** Of all questions of the request. */
  readonly once: AskedOnce;
}

interface ToldTopic {
  readonly name: string;
  readonly topicId: string;
  readonly partitions: readonly OffsetFetchResponsePartitions[];
}

export function createOffsetFetch(broker: GroupBroker): Handler<"OffsetFetch"> {
  return ({ groups, groupId, topics, requireStable }, call) => {
    // What is committed has up to 4 KiB of metadata, for the four bytes that ask for it.
    const once = new AskedOnce();
    const refusalOf = (group: string): number =>
      call.may("read", "group", group) ? ERROR.NONE : ERROR.GROUP_AUTHORIZATION_FAILED;
    if (call.version >= MANY_GROUPS) {
      const whole = new Set<string>();
      const distinct = groups.filter(({ groupId: group, topics: asked }) => {
        const again = asked === null && whole.has(group);
        if (asked === null) whole.add(group);
        return !again;
      });
      const told = distinct.map(({ groupId: group, topics: asked }) => {
        const errorCode = refusalOf(group);
        if (errorCode !== ERROR.NONE) return { groupId: group, topics: [], errorCode };
        const found = look(broker, { group, topics: asked, requireStable, once }, call);
        return { groupId: group, topics: found, errorCode };
      });
      return { groups: told };
    }
    const asked = topics?.map((topic) => ({ ...topic, topicId: "" })) ?? null;
    const errorCode = refusalOf(groupId);
    if (errorCode === ERROR.NONE) {
      const question = { group: groupId, topics: asked, requireStable, once };
      return { topics: look(broker, question, call) };
    }
    if (call.version >= GROUP_ERROR) return { topics: [], errorCode };
    return { topics: (asked ?? []).map((topic) => refused(topic, errorCode)) };
  };
}

function look(
  broker: GroupBroker,
  { group, topics: asked, requireStable, once }: Question,
  call: Call,
): readonly ToldTopic[] {
  const { topics, engine, pendingOffsets } = broker;
  const byId = call.version >= BY_ID;
  const find = topics.lookupById();
  const tell = (topic: AskedTopic): ToldTopic => {
    const found = byId ? find(topic.topicId) : topics.find(topic.name);
    if (byId && found === undefined) return refused(topic, ERROR.UNKNOWN_TOPIC_ID);
    const stream = found?.name ?? topic.name;
    if (!call.may("read", "stream", stream)) {
      return refused(topic, ERROR.TOPIC_AUTHORIZATION_FAILED);
    }
    // Everything and a part of it are two questions.
    const place = `${asked === null ? "all" : "some"} ${stream} ${group}`;
    const first = topic.partitionIndexes.filter((index) => once.isFirst(place, index));
    const partitions = first.map((partitionIndex) => {
      if (requireStable && pendingOffsets.isPending(group, stream, partitionIndex)) {
        return nothing(partitionIndex, ERROR.UNSTABLE_OFFSET_COMMIT);
      }
      const position = engine.streamStorage.storedPosition(group, stream, partitionIndex);
      if (position === undefined) return nothing(partitionIndex, ERROR.NONE);
      return {
        partitionIndex,
        committedOffset: position.offset,
        committedLeaderEpoch: position.leaderEpoch ?? -1,
        metadata: position.metadata ?? "",
        errorCode: ERROR.NONE,
      };
    });
    return { name: topic.name, topicId: topic.topicId, partitions };
  };
  if (asked !== null) return asked.map(tell);
  return everything(broker, group)
    .filter(({ name }) => call.may("read", "stream", name))
    .map(tell);
}

function everything({ topics, engine }: GroupBroker, group: string): AskedTopic[] {
  const byStream = Map.groupBy(engine.streamStorage.positions(group), ({ stream }) => stream);
  return [...byStream].flatMap(([name, positions]) => {
    const topic = topics.find(name);
    const partitionIndexes = positions.map(({ partition }) => partition);
    return topic === undefined ? [] : [{ name, topicId: topic.id, partitionIndexes }];
  });
}

/** A group that is not known has committed nothing: -1, as for a partition that it has not read. */
function nothing(partitionIndex: number, errorCode: number): OffsetFetchResponsePartitions {
  return {
    partitionIndex,
    committedOffset: -1,
    committedLeaderEpoch: -1,
    metadata: "",
    errorCode,
  };
}

function refused({ name, topicId, partitionIndexes }: AskedTopic, errorCode: number): ToldTopic {
  const partitions = partitionIndexes.map((partition) => nothing(partition, errorCode));
  return { name, topicId, partitions };
}
