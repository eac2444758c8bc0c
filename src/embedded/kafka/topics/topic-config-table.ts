/**
 * Every config that a topic of Kafka 4 has. `usual` is the value here, which is not always Kafka's:
 * streams keep everything and sync every group unless somebody asks for less.
 *
 * *acts*: the broker does what it says. *kept*: it is stored and told again, and changes nothing; what
 * that means for a program is among the differences of DescribeConfigs.
 */

import { LONG_MAX, type ConfigForm, type ValidValues } from "./config-value.ts";

export interface TopicConfig extends ConfigForm {
  readonly usual: string;
  /** The broker's config that gives a topic its default; told as a synonym. */
  readonly brokerName: string;
  readonly effect: "acts" | "kept";
}

/** Those that act. */
export type ActingConfig =
  | "cleanup.policy"
  | "delete.retention.ms"
  | "flush.messages"
  | "flush.ms"
  | "max.compaction.lag.ms"
  | "max.message.bytes"
  | "message.timestamp.after.max.ms"
  | "message.timestamp.before.max.ms"
  | "message.timestamp.type"
  | "min.compaction.lag.ms"
  | "retention.bytes"
  | "retention.ms";

/** A batch with the overhead that Kafka's default has room for. */
const MESSAGE_BYTES_MAX = 1_048_588;
/** What the log can write as one batch. */
const MESSAGE_BYTES_LIMIT = 8 * 1024 * 1024;
const LEVELS = { min: -131_072, max: 22 };
const THROTTLED: ValidValues = { matching: /^(\*|(\d+:\d+)?)$/ };
const ANY_NUMBER = { min: 0 };
const LEAST_ONE_OR_NONE = { min: -1 };
const NEVER = { oneOf: ["false"] };

type Row = readonly [
  name: string,
  type: ConfigForm["type"],
  usual: string,
  effect: TopicConfig["effect"],
  valid: ValidValues | undefined,
];

const ROWS: readonly Row[] = [
  ["cleanup.policy", "list", "delete", "acts", { someOf: ["delete", "compact"] }],
  ["compression.gzip.level", "int", "-1", "kept", { min: -1, max: 9 }],
  ["compression.lz4.level", "int", "9", "kept", { min: 1, max: 17 }],
  [
    "compression.type",
    "string",
    "producer",
    "kept",
    { oneOf: ["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"] },
  ],
  ["compression.zstd.level", "int", "3", "kept", LEVELS],
  ["delete.retention.ms", "long", "86400000", "acts", ANY_NUMBER],
  ["file.delete.delay.ms", "long", "0", "kept", ANY_NUMBER],
  ["flush.messages", "long", "1", "acts", { min: 1 }],
  ["flush.ms", "long", LONG_MAX, "acts", ANY_NUMBER],
  ["follower.replication.throttled.replicas", "list", "", "kept", THROTTLED],
  ["index.interval.bytes", "int", "4096", "kept", ANY_NUMBER],
  ["leader.replication.throttled.replicas", "list", "", "kept", THROTTLED],
  ["local.retention.bytes", "long", "-2", "kept", { min: -2 }],
  ["local.retention.ms", "long", "-2", "kept", { min: -2 }],
  ["max.compaction.lag.ms", "long", LONG_MAX, "acts", { min: 1 }],
  [
    "max.message.bytes",
    "int",
    String(MESSAGE_BYTES_MAX),
    "acts",
    { min: 0, max: MESSAGE_BYTES_LIMIT },
  ],
  ["message.timestamp.after.max.ms", "long", "3600000", "acts", ANY_NUMBER],
  ["message.timestamp.before.max.ms", "long", LONG_MAX, "acts", ANY_NUMBER],
  [
    "message.timestamp.type",
    "string",
    "CreateTime",
    "acts",
    { oneOf: ["CreateTime", "LogAppendTime"] },
  ],
  ["min.cleanable.dirty.ratio", "double", "0.5", "kept", { min: 0, max: 1 }],
  ["min.compaction.lag.ms", "long", "0", "acts", ANY_NUMBER],
  ["min.insync.replicas", "int", "1", "kept", { min: 1 }],
  ["preallocate", "boolean", "false", "kept", undefined],
  ["remote.log.copy.disable", "boolean", "false", "kept", undefined],
  ["remote.log.delete.on.disable", "boolean", "false", "kept", undefined],
  ["remote.storage.enable", "boolean", "false", "kept", NEVER],
  ["retention.bytes", "long", "-1", "acts", LEAST_ONE_OR_NONE],
  ["retention.ms", "long", "-1", "acts", LEAST_ONE_OR_NONE],
  ["segment.bytes", "int", "67108864", "kept", { min: 14 }],
  ["segment.index.bytes", "int", "10485760", "kept", { min: 4 }],
  ["segment.jitter.ms", "long", "0", "kept", ANY_NUMBER],
  ["segment.ms", "long", LONG_MAX, "kept", { min: 1 }],
  ["unclean.leader.election.enable", "boolean", "false", "kept", undefined],
];

/** Where it is not the topic's name behind "log.". */
const BROKER_NAMES: Readonly<Record<string, string>> = {
  "compression.gzip.level": "compression.gzip.level",
  "compression.lz4.level": "compression.lz4.level",
  "compression.type": "compression.type",
  "compression.zstd.level": "compression.zstd.level",
  "delete.retention.ms": "log.cleaner.delete.retention.ms",
  "file.delete.delay.ms": "log.segment.delete.delay.ms",
  "flush.messages": "log.flush.interval.messages",
  "flush.ms": "log.flush.interval.ms",
  "index.interval.bytes": "log.index.interval.bytes",
  "local.retention.bytes": "log.local.retention.bytes",
  "local.retention.ms": "log.local.retention.ms",
  "max.compaction.lag.ms": "log.cleaner.max.compaction.lag.ms",
  "max.message.bytes": "message.max.bytes",
  "min.cleanable.dirty.ratio": "log.cleaner.min.cleanable.ratio",
  "min.compaction.lag.ms": "log.cleaner.min.compaction.lag.ms",
  "min.insync.replicas": "min.insync.replicas",
  "segment.index.bytes": "log.index.size.max.bytes",
  "segment.jitter.ms": "log.roll.jitter.ms",
  "segment.ms": "log.roll.ms",
  "unclean.leader.election.enable": "unclean.leader.election.enable",
};

export const TOPIC_CONFIGS: ReadonlyMap<string, TopicConfig> = new Map(
  ROWS.map(([name, type, usual, effect, valid]): [string, TopicConfig] => [
    name,
    {
      name,
      type,
      usual,
      effect,
      brokerName: BROKER_NAMES[name] ?? `log.${name}`,
      ...(valid !== undefined && { valid }),
    },
  ]),
);
