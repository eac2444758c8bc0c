/** FindCoordinator: this broker coordinates every group and every transaction. */

import { ERROR } from "../error-codes.ts";
import { NODE_ID, type KafkaBroker } from "../kafka-broker.ts";
import type { Handler } from "./handler.ts";

const GROUP = 0;
const TRANSACTION = 1;

/** From this version on one request asks for many. */
const MANY = 4;

export function createFindCoordinator({ address }: KafkaBroker): Handler<"FindCoordinator"> {
  return ({ keyType, coordinatorKeys }, { version }) => {
    const known = keyType === GROUP || keyType === TRANSACTION;
    const answer = known
      ? { nodeId: NODE_ID, ...address(), errorCode: ERROR.NONE, errorMessage: null }
      : {
          nodeId: -1,
          host: "",
          port: -1,
          errorCode: ERROR.INVALID_REQUEST,
          errorMessage: `coordinators of type ${keyType} are not here`,
        };
    if (version < MANY) return answer;
    return { coordinators: coordinatorKeys.map((one) => ({ ...answer, key: one })) };
  };
}
