/** DescribeCluster: the one broker, which is its own controller. */

import { ERROR } from "../../error-codes.ts";
import { NODE_ID, type KafkaBroker } from "../../kafka-broker.ts";
import type { Handler } from "../handler.ts";
import { clusterOperations, OPERATIONS_UNTOLD } from "../operations.ts";
import { refusal } from "../refusal.ts";

const BROKERS = 1;

export function createDescribeCluster({
  engine,
  address,
}: KafkaBroker): Handler<"DescribeCluster"> {
  return ({ endpointType, includeClusterAuthorizedOperations }, call) => ({
    ...(endpointType === BROKERS
      ? refusal(ERROR.NONE)
      : refusal(ERROR.MISMATCHED_ENDPOINT_TYPE, "this is a broker's address, not a controller's")),
    endpointType: BROKERS,
    clusterId: engine.cluster,
    controllerId: NODE_ID,
    brokers: [{ brokerId: NODE_ID, ...address() }],
    clusterAuthorizedOperations: includeClusterAuthorizedOperations
      ? clusterOperations(call)
      : OPERATIONS_UNTOLD,
  });
}
