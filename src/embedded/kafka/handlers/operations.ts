/** What a client may do, as the bits in which Kafka's answers tell it: one for each ACL operation. */

import type { Call } from "./handler.ts";

const OPERATION = {
  read: 3,
  write: 4,
  create: 5,
  delete: 6,
  alter: 7,
  describe: 8,
  describeConfigs: 10,
  alterConfigs: 11,
  idempotentWrite: 12,
} as const;

/** Nobody asked. */
export const OPERATIONS_UNTOLD: number = -(2 ** 31);

export function topicOperations({ may }: Call, name: string): number {
  let bits = 0;
  if (may("read", "stream", name)) {
    bits |= bitsOf(OPERATION.read, OPERATION.describe, OPERATION.describeConfigs);
  }
  if (may("write", "stream", name)) bits |= bitsOf(OPERATION.write, OPERATION.describe);
  if (may("create", "stream", name)) {
    bits |= bitsOf(OPERATION.create, OPERATION.alter, OPERATION.alterConfigs);
  }
  if (may("delete", "stream", name)) bits |= bitsOf(OPERATION.delete);
  return bits;
}

export function clusterOperations({ may }: Call): number {
  let bits = bitsOf(OPERATION.idempotentWrite);
  if (may("read", "broker", "broker")) {
    bits |= bitsOf(OPERATION.describe, OPERATION.describeConfigs);
  }
  if (may("create", "broker", "broker")) bits |= bitsOf(OPERATION.create, OPERATION.alter);
  return bits;
}

function bitsOf(...operations: readonly number[]): number {
  return operations.reduce((bits, operation) => bits | (1 << operation), 0);
}
