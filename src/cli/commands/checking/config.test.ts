import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryBroker } from "../../../memory/broker.ts";
import { settingsOf, type Setting } from "./config.ts";

const project = { loaded: undefined, data: "/p/.millrace", brokerDirectory: "/p/.millrace/broker" };

function loadedWith(config: object) {
  return {
    ...project,
    loaded: {
      config: { services: [], ...config },
      file: "/p/millrace.config.ts",
      data: "/p/.millrace",
      contracts: "/p/contracts.lock.json",
    },
  };
}

function find(settings: readonly Setting[], key: string): readonly unknown[] {
  const setting = settings.find((one) => one.key === key);
  return [setting?.value, setting?.origin];
}

test("without a configuration every value is the default", () => {
  const settings = settingsOf(project, {}, {});
  assert.deepEqual([...new Set(settings.map(({ origin }) => origin))], ["default"]);
  assert.deepEqual(find(settings, "stopMs"), [10_000, "default"]);
});

test("each value names the file, the variable or the option that it comes from", () => {
  const settings = settingsOf(
    loadedWith({ http: { port: 1 }, stopMs: 5, broker: memoryBroker() }),
    { data: "elsewhere" },
    { MILLRACE_DATA: "not this", MILLRACE_TOKEN: "" },
  );
  assert.deepEqual(find(settings, "http.port"), [1, "/p/millrace.config.ts"]);
  assert.deepEqual(find(settings, "stopMs"), [5, "/p/millrace.config.ts"]);
  assert.deepEqual(find(settings, "broker"), ["memory", "/p/millrace.config.ts"]);
  assert.deepEqual(find(settings, "data"), ["/p/.millrace", "option --data"]);
  assert.deepEqual(find(settings, "http.token")[1], "default");
});

test("of a door is told where it listens, and of its keys only that there are some", () => {
  const tls = { key: "-----BEGIN PRIVATE KEY-----", cert: "cert.pem" };
  const advertised = { host: "k.example.org" };
  const kafka = { port: 9092, host: "0.0.0.0", tls, advertised, autoCreate: false };
  const settings = settingsOf(loadedWith({ kafka, amqp: false }), {}, {});
  const file = "/p/millrace.config.ts";
  assert.deepEqual(find(settings, "kafka.port"), [9092, file]);
  assert.deepEqual(find(settings, "kafka.host"), ["0.0.0.0", file]);
  assert.deepEqual(find(settings, "kafka.tls"), ["set", file]);
  assert.deepEqual(find(settings, "kafka.advertised"), ["k.example.org:9092", file]);
  assert.deepEqual(find(settings, "kafka.autoCreate"), ["false", file]);
  assert.deepEqual(find(settings, "kafka.partitions"), [1, "default"]);
  assert.deepEqual(find(settings, "amqp"), ["off", file]);
  assert.deepEqual(find(settings, "signIn"), ["(none)", "default"]);
  assert.doesNotMatch(JSON.stringify(settings), /BEGIN|cert\.pem/);
});

test("a secret is never shown, wherever it comes from", () => {
  const secret = "s3cret-t0ken";
  const both = [
    settingsOf(loadedWith({ http: { token: secret } }), {}, {}),
    settingsOf(loadedWith({}), {}, { MILLRACE_TOKEN: secret }),
  ];
  for (const settings of both) {
    assert.doesNotMatch(JSON.stringify(settings), /s3cret/);
    assert.equal(find(settings, "http.token")[0], "(not shown)");
  }
});
