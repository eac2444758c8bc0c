/**
 * TxnOffsetCommit: how far a group is when the transaction commits. It is kept beside the transaction,
 * and becomes the group's positions with its end.
 */

import type { StoredPosition } from "../../../../broker/in-process/stream/stream-storage.ts";
import { ERROR } from "../../error-codes.ts";
import type { KafkaBroker } from "../../kafka-broker.ts";
import { senderError } from "../../transactions/error-versions.ts";
import { commitError, commitRefusal, positionOf } from "../groups/offset-commit.ts";
import type { Handler } from "../handler.ts";
import { idRefusal } from "./id-refusal.ts";

type TxnOffsetBroker = Pick<KafkaBroker, "topics" | "groups" | "transactions">;

export function createTxnOffsetCommit(broker: TxnOffsetBroker): Handler<"TxnOffsetCommit"> {
  const { topics, groups, transactions } = broker;
  return async (request, call) => {
    const { transactionalId: id, groupId: group, producerId, producerEpoch: epoch } = request;
    const { memberId, groupInstanceId: instanceId, generationId: generation } = request;
    let denied = idRefusal(id, call);
    if (denied === ERROR.NONE && !call.may("read", "group", group)) {
      denied = ERROR.GROUP_AUTHORIZATION_FAILED;
    }
    const claim = { memberId, instanceId, generation };
    const refusal =
      denied === ERROR.NONE ? groups.mayCommit(group, claim, { transactional: true }) : denied;

    const positions: StoredPosition[] = [];
    const checked = request.topics.map(({ name, partitions }) => {
      const mayRead = call.may("read", "stream", name);
      const codes = partitions.map((partition) => {
        if (denied !== ERROR.NONE) return denied;
        if (!mayRead) return ERROR.TOPIC_AUTHORIZATION_FAILED;
        const unknown = ERROR.UNKNOWN_TOPIC_OR_PARTITION;
        const error = commitRefusal(topics.find(name), partition, unknown);
        if (error !== ERROR.NONE) return error;
        if (refusal !== ERROR.NONE) return refusal;
        positions.push(positionOf(name, partition));
        return ERROR.NONE;
      });
      return { name, partitions, codes };
    });

    let failure: number = ERROR.NONE;
    if (positions.length > 0) {
      const kept = transactions.commitOffsets(id, { producerId, epoch }, { group, positions });
      failure = senderError(await kept.catch(commitError));
    }
    return {
      topics: checked.map(({ name, partitions, codes }) => ({
        name,
        partitions: partitions.map(({ partitionIndex }, index) => ({
          partitionIndex,
          errorCode: codes[index] === ERROR.NONE ? failure : codes[index]!,
        })),
      })),
    };
  };
}
