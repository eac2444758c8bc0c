/** FindCoordinator: this broker coordinates every group and every transaction. */

import { ERROR } from "../error-codes.ts";
import { NODE_ID, type KafkaBroker } from "../kafka-broker.ts";
import type { Coordinator } from "../codec/generated/find-coordinator.ts";
import type { Call, Handler } from "./handler.ts";

const GROUP = 0;
const TRANSACTION = 1;

/** From this version on one request asks for many. */
const MANY = 4;

export function createFindCoordinator({
  address,
}: Pick<KafkaBroker, "address">): Handler<"FindCoordinator"> {
  const find = (key: string, keyType: number, call: Call): Coordinator => {
    if (keyType === GROUP && !call.may("read", "group", key)) {
      return nobody(key, ERROR.GROUP_AUTHORIZATION_FAILED, `no rule lets you read group ${key}`);
    }
    if (keyType !== GROUP && keyType !== TRANSACTION) {
      const text = `coordinators of type ${keyType} are not here`;
      return nobody(key, ERROR.INVALID_REQUEST, text);
    }
    return { key, nodeId: NODE_ID, ...address(), errorCode: ERROR.NONE, errorMessage: null };
  };
  return ({ key, keyType, coordinatorKeys }, call) =>
    call.version < MANY
      ? find(key, keyType, call)
      : { coordinators: Array.from(new Set(coordinatorKeys), (one) => find(one, keyType, call)) };
}

function nobody(key: string, errorCode: number, errorMessage: string): Coordinator {
  return { key, nodeId: -1, host: "", port: -1, errorCode, errorMessage };
}
