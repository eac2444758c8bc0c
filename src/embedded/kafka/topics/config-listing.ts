/** A topic's and the broker's configs as DescribeConfigs tells them. */

import type { StreamSpec } from "../../../broker/streams.ts";
import { NODE_ID, type KafkaBroker } from "../kafka-broker.ts";
import { CONFIG_TYPE, type ConfigType } from "./config-value.ts";
import { overridesOf } from "./topic-config.ts";
import { TOPIC_CONFIGS } from "./topic-config-table.ts";

/** Where a value comes from, as the protocol numbers it. */
const CONFIG_SOURCE = { topic: 1, brokerFile: 4, usual: 5 } as const;

export interface ListedConfig {
  readonly name: string;
  readonly value: string;
  readonly source: number;
  readonly type: number;
  readonly readOnly: boolean;
  /** The values that would hold one after another, the present one first. */
  readonly synonyms: readonly {
    readonly name: string;
    readonly value: string;
    readonly source: number;
  }[];
}

export function listTopicConfigs(spec: StreamSpec): readonly ListedConfig[] {
  const overrides = overridesOf(spec);
  return [...TOPIC_CONFIGS.values()].map(({ name, type, usual, brokerName }) => {
    const override = overrides.get(name);
    const fallback = { name: brokerName, value: usual, source: CONFIG_SOURCE.usual };
    const { source, value } =
      override === undefined ? fallback : { source: CONFIG_SOURCE.topic, value: override };
    const own = override === undefined ? [] : [{ name, value, source }];
    return {
      name,
      value,
      source,
      type: CONFIG_TYPE[type],
      readOnly: false,
      synonyms: [...own, fallback],
    };
  });
}

/** They are set where the broker is started, so all are read-only here. */
export function listBrokerConfigs({
  engine,
  settings,
  address,
}: KafkaBroker): readonly ListedConfig[] {
  const { host, port } = address();
  const { partitions } = settings;
  const listener = `PLAINTEXT://${host}:${port}`;
  const rows: readonly (readonly [string, ConfigType, string, number])[] = [
    ["advertised.listeners", "list", listener, CONFIG_SOURCE.brokerFile],
    ["auto.create.topics.enable", "boolean", String(settings.autoCreate), CONFIG_SOURCE.usual],
    ["broker.id", "int", String(NODE_ID), CONFIG_SOURCE.brokerFile],
    ["default.replication.factor", "int", "1", CONFIG_SOURCE.usual],
    ["delete.topic.enable", "boolean", "true", CONFIG_SOURCE.usual],
    ["fetch.max.bytes", "int", String(settings.fetchBytesMax), CONFIG_SOURCE.usual],
    ["log.dirs", "list", engine.directory, CONFIG_SOURCE.brokerFile],
    ["max.request.partition.size.limit", "int", String(PARTITIONS_TOLD_MAX), CONFIG_SOURCE.usual],
    ["node.id", "int", String(NODE_ID), CONFIG_SOURCE.brokerFile],
    ["num.partitions", "int", String(partitions), CONFIG_SOURCE.usual],
    ...[...TOPIC_CONFIGS.values()]
      .filter(({ name }) => !name.endsWith("throttled.replicas"))
      .map(
        ({ brokerName, type, usual }) => [brokerName, type, usual, CONFIG_SOURCE.usual] as const,
      ),
  ];
  return rows
    .map(([name, type, value, source]) => ({
      name,
      value,
      source,
      type: CONFIG_TYPE[type],
      readOnly: true,
      synonyms: [{ name, value, source }],
    }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** Of all topics, in one answer of DescribeTopicPartitions. */
export const PARTITIONS_TOLD_MAX = 2_000;
