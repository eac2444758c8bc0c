/**
 * A topic's configs and its stream's spec: two ways to say the same.
 *
 * What the port has words for (retention, durability, compaction) stands in the spec in those words,
 * wherever it was said, so a service that declares the stream and a Kafka tool see one truth. Only what
 * the port cannot say is kept in the spec's `settings` under its Kafka name. Where a service changes
 * what both can say, the port's word wins over a setting that says otherwise.
 */

import { MillraceError } from "../../../model/errors.ts";
import type { Compaction, Durability, Retention, StreamSpec } from "../../../broker/streams.ts";
import { LONG_MAX, numberOf, readConfigValue } from "./config-value.ts";
import { TOPIC_CONFIGS, type ActingConfig } from "./topic-config-table.ts";

/** By name, only what somebody has set. */
export type ConfigOverrides = ReadonlyMap<string, string>;

const INTERVAL_MS_MAX = 60_000;

/** Throws BAD_ARGUMENT, its text naming the config, for an unknown one or a value that it cannot have. */
export function checkedConfig(name: string, text: string): string {
  const config = TOPIC_CONFIGS.get(name);
  const details = { config: name };
  if (config === undefined) {
    throw new MillraceError(
      "BAD_ARGUMENT",
      `${JSON.stringify(name.slice(0, 80))} is no config of a topic; DescribeConfigs lists those there are`,
      { details },
    );
  }
  const read = readConfigValue(config, text);
  if ("wrong" in read) throw new MillraceError("BAD_ARGUMENT", read.wrong, { details });
  return read.value;
}

/** The value that holds for a topic. */
export function configOf(spec: StreamSpec, name: ActingConfig): string {
  return overridesOf(spec).get(name) ?? TOPIC_CONFIGS.get(name)!.usual;
}

/** What differs from the defaults, or was set to them. */
export function overridesOf(spec: StreamSpec): ConfigOverrides {
  const said = saidByPort(spec);
  const overrides = new Map(Object.entries(spec.settings ?? {}));
  const policy = overrides.get("cleanup.policy");
  const compacts = spec.compaction !== undefined;
  if (policy !== undefined && policy.includes("compact") !== compacts) {
    overrides.delete("cleanup.policy");
  }
  for (const [name, value] of said) {
    if (name === "cleanup.policy" && overrides.has(name) && !value.includes("delete")) continue;
    overrides.set(name, value);
  }
  return overrides;
}

/**
 * The spec with these configs and no others. Retention by count and the window of ids, which Kafka does
 * not know, stay. The overrides have passed `checkedConfig`; throws BAD_ARGUMENT where two of them
 * contradict each other.
 */
export function withOverrides(spec: StreamSpec, overrides: ConfigOverrides): StreamSpec {
  const { name, partitions, dedupe } = spec;
  const valueOf = (config: ActingConfig): string =>
    overrides.get(config) ?? TOPIC_CONFIGS.get(config)!.usual;
  const policies = valueOf("cleanup.policy").split(",");
  const retention = policies.includes("delete") ? retentionOf(spec, valueOf) : undefined;
  const compaction = policies.includes("compact") ? compactionOf(valueOf) : undefined;
  const durability = durabilityOf(valueOf);
  const plain: StreamSpec = {
    name,
    partitions,
    ...(retention !== undefined && { retention }),
    ...(durability.mode !== "fsync" && { durability }),
    ...(dedupe !== undefined && { dedupe }),
    ...(compaction !== undefined && { compaction }),
  };
  const said = saidByPort(plain);
  const rest = [...overrides].filter(([config, value]) => said.get(config) !== value);
  return rest.length === 0 ? plain : { ...plain, settings: Object.fromEntries(rest) };
}

function retentionOf(
  { retention: { count } = {} }: StreamSpec,
  valueOf: (config: ActingConfig) => string,
): Retention | undefined {
  const ageMs = numberOf(valueOf("retention.ms"));
  const bytes = numberOf(valueOf("retention.bytes"));
  const retention: Retention = {
    ...(ageMs >= 0 && { ageMs: Math.max(1, ageMs) }),
    ...(bytes >= 0 && { bytes: Math.max(1, bytes) }),
    ...(count !== undefined && { count }),
  };
  return Object.keys(retention).length === 0 ? undefined : retention;
}

function compactionOf(valueOf: (config: ActingConfig) => string): Compaction {
  const minLagMs = numberOf(valueOf("min.compaction.lag.ms"));
  const maxLagMs = numberOf(valueOf("max.compaction.lag.ms"));
  const tombstoneMs = numberOf(valueOf("delete.retention.ms"));
  if (minLagMs > maxLagMs) {
    throw new MillraceError(
      "BAD_ARGUMENT",
      `min.compaction.lag.ms is ${minLagMs}, more than max.compaction.lag.ms, ${maxLagMs}; give a smaller one`,
      { details: { config: "min.compaction.lag.ms" } },
    );
  }
  return {
    ...(minLagMs > 0 && { minLagMs }),
    ...(valueOf("max.compaction.lag.ms") !== LONG_MAX && { maxLagMs }),
    ...(valueOf("delete.retention.ms") !== usual("delete.retention.ms") && { tombstoneMs }),
  };
}

/**
 * Kafka counts messages and milliseconds to the next sync. Here every group is synced, which is never
 * less than `flush.messages` asks for unless it asks for no sync at all; then `flush.ms` is the window.
 */
function durabilityOf(valueOf: (config: ActingConfig) => string): Durability {
  if (valueOf("flush.messages") !== LONG_MAX) return { mode: "fsync" };
  const everyMs = valueOf("flush.ms");
  if (everyMs === LONG_MAX) return { mode: "memory" };
  const intervalMs = Math.min(Math.max(1, numberOf(everyMs)), INTERVAL_MS_MAX);
  return { mode: "interval", intervalMs };
}

/** What the port's words come to in Kafka's. */
function saidByPort(spec: StreamSpec): ReadonlyMap<string, string> {
  const { retention = {}, durability, compaction } = spec;
  const said = new Map<ActingConfig, string>();
  const { ageMs, bytes } = retention;
  if (ageMs !== undefined) said.set("retention.ms", String(ageMs));
  if (bytes !== undefined) said.set("retention.bytes", String(bytes));
  if (compaction !== undefined) {
    const deletes = Object.keys(retention).length > 0;
    said.set("cleanup.policy", deletes ? "compact,delete" : "compact");
    const { minLagMs, maxLagMs, tombstoneMs } = compaction;
    if (minLagMs !== undefined) said.set("min.compaction.lag.ms", String(minLagMs));
    if (maxLagMs !== undefined) said.set("max.compaction.lag.ms", String(maxLagMs));
    if (tombstoneMs !== undefined) said.set("delete.retention.ms", String(tombstoneMs));
  }
  if (durability !== undefined && durability.mode !== "fsync") {
    said.set("flush.messages", LONG_MAX);
    const { mode } = durability;
    if (mode === "interval") said.set("flush.ms", String(durability.intervalMs));
  }
  return said;
}

function usual(name: ActingConfig): string {
  return TOPIC_CONFIGS.get(name)!.usual;
}
