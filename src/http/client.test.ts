import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import { ADMIN_CASES, runCase } from "../admin/admin-cases.test.ts";
import type { Admin } from "../admin/admin.ts";
import { openStage, type Stage } from "../admin/shop-stage.test.ts";
import { openAdminClient } from "./client.ts";
import { serve } from "./serving/serve.ts";

const TOKEN = "a-secret-of-some-length";

async function throughDoor({ admin, environment }: Stage): Promise<Admin> {
  const door = await serve({ admin, environment, token: TOKEN, port: 0 });
  const client = await openAdminClient({ url: door.url, token: TOKEN });
  return {
    ...client,
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]();
      await door.close();
    },
  };
}

for (const one of ADMIN_CASES) {
  test(`through the door: ${one.title}`, () => runCase(one, throughDoor));
}

test("where nothing answers every call throws UNREACHABLE, the opening first", async () => {
  await using stage = await openStage();
  const { admin, environment } = stage;
  const door = await serve({ admin, environment, token: TOKEN, port: 0 });
  await using client = await openAdminClient({ url: door.url, token: TOKEN });
  const tail = client.read("orders", { from: "start" })[Symbol.asyncIterator]();
  await door.close();
  const unreachable = { code: "UNREACHABLE", message: /millrace start/ };
  await assert.rejects(client.listStreams(), unreachable);
  await assert.rejects(client.publish([{ type: "order.placed", dataJson: "{}" }]), unreachable);
  await assert.rejects(tail.next(), unreachable);
  await assert.rejects(openAdminClient({ url: door.url, token: TOKEN }), unreachable);
});

test("a connection that breaks in the middle of a read is an error, never the end of the stream", async () => {
  const broken = createServer(({ url }, response) => {
    if (url === "/healthz") return response.end("{}");
    response.writeHead(200, { "content-type": "application/x-ndjson" });
    const line = '{"stream":"orders","partition":0,"offset":0,"appendedMs":1}\n';
    return response.write(line, () => response.destroy());
  });
  broken.unref();
  await new Promise<void>((resolve) => broken.listen(0, "127.0.0.1", resolve));
  const address = broken.address();
  assert.ok(typeof address === "object" && address !== null);
  await using client = await openAdminClient({
    url: `http://127.0.0.1:${address.port}`,
    token: "x",
  });
  const records = client.read("orders", { from: "start" })[Symbol.asyncIterator]();
  assert.equal((await records.next()).value?.offset, 0);
  await assert.rejects(records.next(), { code: "UNREACHABLE" });
  broken.close();
});

test("a wrong token is NOT_ALLOWED, and a closed client is CLOSED", async () => {
  await using stage = await openStage();
  const { admin, environment } = stage;
  await using door = await serve({ admin, environment, token: TOKEN, port: 0 });
  const stranger = await openAdminClient({ url: door.url, token: "guess" });
  await assert.rejects(stranger.listStreams(), { code: "NOT_ALLOWED", message: /token is wrong/ });
  await stranger[Symbol.asyncDispose]();
  await assert.rejects(stranger.listStreams(), { code: "CLOSED" });
});

test("a long list is published in several requests, in its order", async () => {
  await using stage = await openStage();
  await using client = await throughDoor(stage);
  const filler = "x".repeat(700_000);
  const requests = Array.from({ length: 12 }, (_, i) => ({
    type: "thing.seen",
    key: "k",
    dataJson: JSON.stringify({ i, filler }),
    to: { kind: "stream", name: "attic" } as const,
  }));
  const outcomes = await client.publish(requests);
  assert.deepEqual(
    outcomes.map((outcome) => outcome.ok && outcome.value.offset),
    requests.map((_, i) => i),
  );
  let read = 0;
  for await (const { dataJson } of client.read("attic", { from: "start" })) {
    assert.equal(dataJson, requests[read++]?.dataJson);
  }
  assert.equal(read, 12);
});
