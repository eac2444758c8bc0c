/** What a topic's configs ask of the batches that come in. */

import type { StreamSpec } from "../../../broker/streams.ts";
import { numberOf } from "./config-value.ts";
import { configOf } from "./topic-config.ts";

export interface TopicRules {
  readonly messageBytesMax: number;
  /** Every record needs a key. */
  readonly compacted: boolean;
  /** Records get the time at which they come, not the producer's. */
  readonly logAppendTime: boolean;
  /** How far a producer's times may lie behind and ahead of the broker's. */
  readonly behindMsMax: number;
  readonly aheadMsMax: number;
}

/** Read once a spec: a topic whose configs change has another. */
const rules = new WeakMap<StreamSpec, TopicRules>();

export function rulesOf(spec: StreamSpec): TopicRules {
  let found = rules.get(spec);
  if (found === undefined) rules.set(spec, (found = readRules(spec)));
  return found;
}

function readRules(spec: StreamSpec): TopicRules {
  return {
    messageBytesMax: numberOf(configOf(spec, "max.message.bytes")),
    compacted: spec.compaction !== undefined,
    logAppendTime: configOf(spec, "message.timestamp.type") === "LogAppendTime",
    behindMsMax: numberOf(configOf(spec, "message.timestamp.before.max.ms")),
    aheadMsMax: numberOf(configOf(spec, "message.timestamp.after.max.ms")),
  };
}
