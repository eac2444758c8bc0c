/** docs/protocols.md is what the code says, and says of every request of Kafka what becomes of it. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { PAGE, renderProtocols } from "../scripts/protocols.ts";
import { apiNames, SERVED } from "../src/embedded/kafka/codec/api-keys.ts";
import { API_TABLES } from "../src/embedded/kafka/codec/generated/apis.ts";
import { EVERY_API } from "../src/embedded/kafka/codec/generated/every-api.ts";
import { UNSERVED } from "../src/embedded/kafka/differences.ts";

test("docs/protocols.md is as fresh as the code; npm run protocols writes it", () => {
  assert.equal(readFileSync(PAGE, "utf8"), renderProtocols());
});

test("each request of Kafka's brokers is served or told why not, and only once", () => {
  const served = new Set<string>(apiNames());
  const told = UNSERVED.flatMap(({ apis }) => apis);
  const brokers = EVERY_API.filter(({ controllersOnly }) => !controllersOnly);
  assert.deepEqual(
    [...served, ...told].toSorted(),
    brokers.map(({ name }) => name).toSorted(),
    "served or told, and what Kafka's brokers answer",
  );
  assert.ok(told.length > 10 && brokers.length > 70);
});

test("what is served lies within what Kafka has, up to its last stable version", () => {
  for (const name of apiNames()) {
    const defined = EVERY_API.find((api) => api.name === name);
    assert.equal(defined?.key, API_TABLES[name].key, name);
    const [first, last = first] = defined.versions.split("-").map(Number);
    const { min, max } = SERVED[name];
    assert.equal(min, first, name);
    assert.equal(max, defined.lastUnstable ? last! - 1 : last, name);
  }
});
