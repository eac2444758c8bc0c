/**
 * What consumers write to one another, as far as tools need to know: which topics a member has
 * subscribed, and which partitions it was given. The coordinator itself never looks into it.
 *
 * Both begin with the version that the writer chose. Later versions only add at the end, so the first
 * one reads what all of them share.
 */

import type { StreamPartition } from "../../../broker/assignment.ts";
import {
  consumerProtocolAssignment,
  consumerProtocolSubscription,
} from "../codec/generated/consumer-protocol.ts";
import { MalformedFrame } from "../codec/malformed-frame.ts";
import { readMessage } from "../codec/message-codec.ts";
import type { MessageTable } from "../codec/message-table.ts";
import { WireReader } from "../codec/wire-reader.ts";

/** The protocol type whose metadata and assignments have this form. */
export const CONSUMER = "consumer";

const VERSION_BYTES = 2;

/** Undefined where the bytes are not a consumer's subscription. */
export function subscribedTopics(metadata: Buffer): readonly string[] | undefined {
  return read(consumerProtocolSubscription, metadata)?.topics;
}

/** None where the bytes are not a consumer's assignment. */
export function assignedPartitions(assignment: Buffer): StreamPartition[] {
  const assigned = read(consumerProtocolAssignment, assignment)?.assignedPartitions ?? [];
  return assigned.flatMap(({ topic: stream, partitions }) =>
    partitions.map((partition) => ({ stream, partition })),
  );
}

function read<Message>(table: MessageTable<Message>, bytes: Buffer): Message | undefined {
  if (bytes.length < VERSION_BYTES) return undefined;
  try {
    return readMessage(table, 0, new WireReader(bytes.subarray(VERSION_BYTES)));
  } catch (error) {
    if (error instanceof MalformedFrame) return undefined;
    throw error;
  }
}
