import assert from "node:assert/strict";
import { test } from "node:test";
import type { StreamSpec } from "../../../broker/streams.ts";
import { checkStreamSpec } from "../../../broker/validate.ts";
import { isMillraceError } from "../../../model/errors.ts";
import { LONG_MAX } from "./config-value.ts";
import { TOPIC_CONFIGS } from "./topic-config-table.ts";
import { checkedConfig, configOf, overridesOf, withOverrides } from "./topic-config.ts";

const plain: StreamSpec = { name: "s", partitions: 1 };
const specOf = (overrides: Record<string, string>): StreamSpec =>
  withOverrides(plain, new Map(Object.entries(overrides)));

test("every default is a value that its config may have", () => {
  assert.equal(TOPIC_CONFIGS.size, 33);
  for (const { name, usual } of TOPIC_CONFIGS.values()) {
    assert.equal(checkedConfig(name, usual), usual, name);
  }
});

test("a config that is unknown or cannot have the value is refused by its name", () => {
  const wrong: Record<string, string[]> = {
    "no.such.config": ["1"],
    "retention.ms": ["-2", "x", "", "1.5", "9223372036854775808"],
    "cleanup.policy": ["compress", "delete,delete", ""],
    "message.timestamp.type": ["Never"],
    "min.cleanable.dirty.ratio": ["1.1", "", "half"],
    preallocate: ["yes"],
    "remote.storage.enable": ["true"],
    "segment.bytes": ["2147483648"],
  };
  for (const [name, values] of Object.entries(wrong)) {
    for (const value of values) {
      assert.throws(
        () => checkedConfig(name, value),
        (error) => isMillraceError(error, "BAD_ARGUMENT") && error.message.includes(name),
        `${name}=${value}`,
      );
    }
  }
  assert.equal(checkedConfig("cleanup.policy", "compact, delete"), "compact,delete");
  assert.equal(checkedConfig("preallocate", "TRUE"), "true");
});

test("what the port can say is said in its words, the rest is kept in Kafka's", () => {
  assert.deepEqual(
    specOf({
      "cleanup.policy": "compact,delete",
      "retention.ms": "1000",
      "retention.bytes": "-1",
      "min.compaction.lag.ms": "5",
      "flush.messages": LONG_MAX,
      "flush.ms": "20",
      "segment.ms": "77",
    }),
    {
      ...plain,
      retention: { ageMs: 1000 },
      durability: { mode: "interval", intervalMs: 20 },
      compaction: { minLagMs: 5 },
      settings: { "retention.bytes": "-1", "segment.ms": "77" },
    },
  );
  assert.deepEqual(specOf({ "flush.messages": LONG_MAX }).durability, { mode: "memory" });
  assert.equal(specOf({ "flush.messages": "10000", "flush.ms": "5" }).durability, undefined);
});

test("whatever is set is told again, and makes a spec that a broker takes", () => {
  const cases: Record<string, string>[] = [
    {},
    { "cleanup.policy": "delete" },
    { "cleanup.policy": "compact" },
    { "cleanup.policy": "compact,delete" },
    { "cleanup.policy": "delete,compact", "retention.ms": "5" },
    { "cleanup.policy": "compact", "retention.ms": "1000", "delete.retention.ms": "0" },
    { "retention.ms": LONG_MAX, "retention.bytes": "1" },
    { "flush.messages": LONG_MAX, "flush.ms": LONG_MAX },
    { "flush.ms": "5" },
    { "max.compaction.lag.ms": "9", "min.compaction.lag.ms": "9", "cleanup.policy": "compact" },
    Object.fromEntries([...TOPIC_CONFIGS.values()].map(({ name, usual }) => [name, usual])),
  ];
  for (const overrides of cases) {
    const spec = specOf(overrides);
    checkStreamSpec(spec);
    const told = overridesOf(spec);
    for (const [name, value] of Object.entries(overrides)) {
      const near = value === LONG_MAX ? [LONG_MAX, String(Number.MAX_SAFE_INTEGER)] : [value];
      const same = [...near, value.split(",").toReversed().join(",")];
      assert.ok(same.includes(told.get(name) ?? ""), `${name} is told as ${told.get(name)}`);
    }
    assert.equal(told.size, Object.keys(overrides).length, JSON.stringify([...told]));
  }
});

test("what a service declares wins over a setting that says otherwise", () => {
  const compacted = specOf({ "cleanup.policy": "compact", "retention.ms": "1000" });
  assert.equal(configOf({ ...compacted, retention: { ageMs: 7 } }, "retention.ms"), "7");
  const { compaction: _, ...rest } = specOf({ "cleanup.policy": "compact,delete" });
  assert.equal(configOf(rest, "cleanup.policy"), "delete");
  assert.equal(configOf({ ...plain, retention: { bytes: 9 } }, "retention.bytes"), "9");
});

test("retention by count and the window of ids, which Kafka does not know, stay", () => {
  const spec = { ...plain, retention: { count: 5 }, dedupe: { count: 1, ms: 1 } };
  const { retention, dedupe } = withOverrides(spec, new Map([["retention.ms", "3"]]));
  assert.deepEqual(
    { retention, dedupe },
    { retention: { ageMs: 3, count: 5 }, dedupe: spec.dedupe },
  );
});
