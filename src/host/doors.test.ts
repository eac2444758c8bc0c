/** The doors of a program: one sign-in and one set of rules behind all of them. */

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { BrokerFactory } from "../broker/broker.ts";
import type { WantedDoors } from "../broker/doors.ts";
import { inNamespace } from "../broker/namespace/namespace.ts";
import { embedded } from "../embedded/embedded.ts";
import { memoryBroker } from "../memory/broker.ts";
import { memoryStore } from "../memory/store.ts";
import { isMillraceError } from "../model/errors.ts";
import { createTestEnvironment } from "../testing/environment.ts";
import { openApp } from "./app.ts";
import { openBrokers } from "./brokers.ts";
import { passwords } from "./sign-in/passwords.ts";

const refused =
  (text: RegExp) =>
  (error: unknown): boolean =>
    isMillraceError(error, "BAD_CONFIG") && text.test(error.message);

/** A broker that tells what its doors were told. */
function listening(told: (WantedDoors | undefined)[]): BrokerFactory {
  const inner = memoryBroker();
  return {
    ...inner,
    doors: ["kafka", "amqp"],
    open(environment, doors) {
      told.push(doors);
      return inner.open(environment);
    },
  };
}

test("a door that the broker has not is refused by name", async () => {
  await assert.rejects(
    openApp({ services: [], broker: memoryBroker(), store: memoryStore(), kafka: { port: 0 } }),
    refused(/kafka asks for a door, and the broker memory has none/),
  );
  const misspelt = { port: 0, expird: "drop" };
  await assert.rejects(
    openApp({ services: [], broker: memoryBroker(), store: memoryStore(), amqp: misspelt }),
    refused(/amqp\.expird is not a known key; did you mean amqp\.expired/),
  );
});

test("Kafka clients are let into the broker for streams, AMQP clients into the one for queues", async () => {
  const environment = createTestEnvironment();
  const [forStreams, forQueues]: [WantedDoors[], WantedDoors[]] = [[], []];
  const doors = { kafka: { port: 1 }, amqp: { port: 2 } };
  const streams = listening(forStreams);
  await using _both = await openBrokers(
    { streams, queues: listening(forQueues), ...doors },
    environment,
  );
  assert.deepEqual(forStreams, [{ kafka: { port: 1 }, amqp: false }]);
  assert.deepEqual(forQueues, [{ kafka: false, amqp: { port: 2 } }]);
  await using _one = await openBrokers({ broker: streams, ...doors }, environment);
  assert.deepEqual(forStreams[1], doors);
});

test("in a namespace the doors are told the rules with names in full", async () => {
  const told: WantedDoors[] = [];
  const rules = [
    { principal: "*", actions: "*", resources: { kind: "*", name: "*" } },
    { principal: "ann", actions: ["read"], resources: { kind: "stream", name: "orders" } },
  ] as const;
  const factory = inNamespace(listening(told), "shop");
  await using _broker = await factory.open(createTestEnvironment(), { rules });
  assert.deepEqual(
    told[0]?.rules?.map(({ resources }) => resources.name),
    ["ns.shop.*", "ns.shop.orders"],
  );
});

test("an address that others reach is refused without TLS and sign-in, and bad settings by name", async () => {
  const directory = mkdtempSync(join(tmpdir(), "millrace-doors-"));
  try {
    const environment = createTestEnvironment();
    const factory = embedded({ directory, freeBytesMin: 0 });
    const signIn = passwords({ users: { ann: { password: "pencil" } } });
    const outward = { port: 0, host: "0.0.0.0" };
    const resources = { kind: "*", name: "*" } as const;
    const tls = { key: "/no/key.pem", cert: "/no/cert.pem" };
    // What no compiler has looked at.
    const unchecked = (doors: object): WantedDoors => doors;
    const cases: readonly [WantedDoors, RegExp][] = [
      [{ kafka: outward }, /kafka: \{ tls: \{ key, cert \} \} and signIn/],
      [{ kafka: { ...outward, tls } }, /set signIn/],
      [{ kafka: outward, signIn }, /set kafka: \{ tls/],
      [
        { kafka: { ...outward, tls }, signIn },
        /kafka\.tls\.key cannot be used \(ENOENT\).* begins at \//,
      ],
      [{ kafka: { port: 70_000 } }, /kafka\.port must be a whole number/],
      [{ kafka: { port: 0, partitions: 0 } }, /kafka\.partitions must be a whole number from 1/],
      [{ amqp: { port: 0, undeliverableMs: -1 } }, /amqp\.undeliverableMs must be a whole number/],
      [unchecked({ kafka: { port: 0, prot: 1 } }), /kafka\.prot is not a known key/],
      [unchecked({ kafka: { port: 0, expired: "drop" } }), /kafka\.expired is not a known key/],
      [unchecked({ amqp: { port: 0, expired: "keep" } }), /amqp\.expired must be dead-letter or/],
      [unchecked({ amqp: { port: 0, autoCreate: 1 } }), /amqp\.autoCreate must be true or false/],
      [
        { kafka: { port: 0 }, rules: [{ principal: "", actions: "*", resources }] },
        /rule 1 has no principal/,
      ],
    ];
    for (const [doors, text] of cases) {
      await assert.rejects(factory.open(environment, doors), refused(text), String(text));
    }
    // The directory is free again, and the settings of the factory hold where nothing is said.
    const advertised = { host: "q.example.org", port: 5671 };
    await using broker = await embedded({
      directory,
      freeBytesMin: 0,
      kafka: { port: 0 },
      amqp: { port: 0, advertised },
    }).open(environment);
    const [address, told] = broker.addresses!;
    assert.deepEqual([address?.protocol, address?.host], ["kafka", "127.0.0.1"]);
    assert.deepEqual([told?.protocol, told?.host, told?.port], ["amqp", "q.example.org", 5671]);
    const port = address!.port;
    const other = embedded({ directory: join(directory, "other"), freeBytesMin: 0 });
    await assert.rejects(other.open(environment, { kafka: { port } }), refused(/EADDRINUSE/));
  } finally {
    rmSync(directory, { recursive: true });
  }
});
