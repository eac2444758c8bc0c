/** OffsetForLeaderEpoch: where an epoch of leadership ended. There is one here, which never ends. */

import { ERROR } from "../error-codes.ts";
import { LEADER_EPOCH, type KafkaBroker } from "../kafka-broker.ts";
import type { Handler } from "./handler.ts";

/** Of an epoch that never was. */
const UNDEFINED = -1;

export function createOffsetForLeaderEpoch({
  topics,
}: KafkaBroker): Handler<"OffsetForLeaderEpoch"> {
  return (request, call) => ({
    topics: request.topics.map(({ topic: name, partitions }) => {
      const topic = topics.find(name);
      const seen = call.may("read", "stream", name);
      return {
        topic: name,
        partitions: partitions.map(({ partition, currentLeaderEpoch, leaderEpoch }) => {
          const failed = (errorCode: number): { partition: number; errorCode: number } => ({
            partition,
            errorCode,
          });
          if (!seen) return failed(ERROR.TOPIC_AUTHORIZATION_FAILED);
          const log = topic?.partitions[partition];
          if (log === undefined) return failed(ERROR.UNKNOWN_TOPIC_OR_PARTITION);
          if (currentLeaderEpoch > LEADER_EPOCH) return failed(ERROR.UNKNOWN_LEADER_EPOCH);
          return leaderEpoch === LEADER_EPOCH
            ? { partition, leaderEpoch, endOffset: log.end }
            : { partition, leaderEpoch: UNDEFINED, endOffset: UNDEFINED };
        }),
      };
    }),
  });
}
