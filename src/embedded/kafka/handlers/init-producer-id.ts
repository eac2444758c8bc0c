/** InitProducerId: an id for an idempotent producer. */

import { ERROR } from "../error-codes.ts";
import type { KafkaBroker } from "../kafka-broker.ts";
import type { Handler } from "./handler.ts";

export function createInitProducerId({ producerIds }: KafkaBroker): Handler<"InitProducerId"> {
  return async ({ transactionalId, producerId, producerEpoch }) => {
    if (transactionalId !== null) {
      return { errorCode: ERROR.UNSUPPORTED_VERSION, producerId: -1, producerEpoch: -1 };
    }
    // A producer that lost its place goes on under the next epoch, until they are used up (KIP-360).
    const bumps = producerId >= 0 && producerEpoch >= 0 && producerEpoch < EPOCH_MAX;
    return bumps
      ? { errorCode: ERROR.NONE, producerId, producerEpoch: producerEpoch + 1 }
      : { errorCode: ERROR.NONE, producerId: await producerIds.newId(), producerEpoch: 0 };
  };
}

const EPOCH_MAX = 32_766;
