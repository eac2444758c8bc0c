/** CreatePartitions: a topic gets more of them, unless a service of this process relies on their number. */

import type { CreatePartitionsTopic } from "../../codec/generated/create-partitions.ts";
import { ERROR } from "../../error-codes.ts";
import type { KafkaBroker } from "../../kafka-broker.ts";
import type { Call, Handler } from "../handler.ts";
import { refusal, refusalFor, type Refusal } from "../refusal.ts";

const CODES = {
  BAD_ARGUMENT: ERROR.INVALID_PARTITIONS,
  STREAM_MISMATCH: ERROR.INVALID_PARTITIONS,
} as const;

export function createCreatePartitions(broker: KafkaBroker): Handler<"CreatePartitions"> {
  return async ({ topics, validateOnly }, call) => {
    const seen = new Set<string>();
    const twice = new Set<string>();
    for (const { name } of topics) {
      if (seen.has(name)) twice.add(name);
      seen.add(name);
    }
    const results = [];
    for (const name of seen) {
      const asked = topics.find((topic) => topic.name === name)!;
      results.push({
        name,
        ...(twice.has(name)
          ? refusal(ERROR.INVALID_REQUEST, `${name} is in the request more than once`)
          : await grow(broker, asked, { call, validateOnly })),
      });
    }
    return { results };
  };
}

async function grow(
  { topics }: KafkaBroker,
  { name, count, assignments }: CreatePartitionsTopic,
  { call, validateOnly }: { readonly call: Call; readonly validateOnly: boolean },
): Promise<Refusal> {
  if (!call.may("create", "stream", name)) return refusal(ERROR.TOPIC_AUTHORIZATION_FAILED);
  const topic = topics.find(name);
  if (topic === undefined) return refusal(ERROR.UNKNOWN_TOPIC_OR_PARTITION);
  const added = count - topic.partitions.length;
  try {
    topics.checkGrowth(name, count);
    if (assignments !== null && assignments.length !== added) {
      return refusal(
        ERROR.INVALID_REPLICA_ASSIGNMENT,
        `${assignments.length} partitions are assigned and ${added} would be added to ${name}`,
      );
    }
    if (!validateOnly) await topics.grow(name, count);
    return refusal(ERROR.NONE);
  } catch (error) {
    return refusalFor(error, CODES);
  }
}
