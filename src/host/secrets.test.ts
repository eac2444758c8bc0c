/** A whole run, with whatever goes wrong in it, and no secret in anything that it writes. */

import assert from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import { memoryBroker } from "../memory/broker.ts";
import { memoryStore } from "../memory/store.ts";
import { stream } from "../schema/channel.ts";
import { event } from "../schema/message-type.ts";
import { consumer } from "../service/consumer/consumer.ts";
import { service } from "../service/service.ts";
import { openApp } from "./app.ts";
import { createLog } from "./logger.ts";

const TOKEN = "the-secret-token-of-this-run";
const PASSWORD = "hunter2-of-the-database";

const Placed = event("order.placed", z.object({ orderId: z.string() }), { key: (e) => e.orderId });
const orders = stream("orders", { Placed }, { partitions: 1 });

test("the door's token and other secrets stand in no log line and in no answer of a whole run", async () => {
  for (const format of ["json", "text"] as const) {
    const written: string[] = [];
    const sink = { write: (line: string) => written.push(line) };
    const log = createLog({ level: "debug", format, sink, now: () => 0 });
    const failing = consumer("failing", { from: orders, policy: { attempts: 1 } }).handle({
      Placed: ({ orderId }) => {
        throw new Error(
          `cannot open postgres://shop:${PASSWORD}@db/${orderId} with Authorization: Bearer ${TOKEN}`,
        );
      },
    });
    const signIn = async ({ token = "" }): Promise<undefined> => {
      // What a hook of the user's throws may hold what it was given.
      if (token !== TOKEN) throw new Error(`http://directory/?token=${token} does not answer`);
    };
    await using app = await openApp({
      services: [service("shop", { failing })],
      broker: memoryBroker(),
      store: memoryStore(),
      http: { port: 0, token: TOKEN },
      signIn,
      log,
    });
    const { url } = app.door!;
    const answers: string[] = [];
    const ask = async (path: string, init?: RequestInit): Promise<number> => {
      const response = await fetch(`${url}${path}`, init);
      answers.push(await response.text(), JSON.stringify([...response.headers]));
      return response.status;
    };
    const signedIn = { headers: { authorization: `Bearer ${TOKEN}` } };
    await app.publish(Placed({ orderId: "o1" }));
    await app.settled();
    for (const path of ["/", "/describe", "/metrics", "/openapi.json", "/lag", "/no-such"]) {
      assert.ok((await ask(`${path}?token=${TOKEN}`)) < 500, path);
      assert.ok((await ask(path, signedIn)) < 500, path);
    }
    const wrong = `${TOKEN}-guessed`;
    assert.equal(await ask(`/describe?token=${wrong}`), 500);
    assert.equal(await ask("/streams", { headers: { authorization: `Bearer ${wrong}` } }), 500);
    assert.equal(await ask(`/streams?tokken=${TOKEN}`, signedIn), 400);
    await app.admin.seek({ group: "shop.failing", stream: "orders", to: "start", by: "ann" });
    await app.settled();
    await app.close();

    const all = written.join("");
    assert.ok(written.length >= 3, `${written.length} lines were written`);
    assert.match(all, /does not answer/);
    assert.doesNotMatch(all, new RegExp(`${TOKEN}|${PASSWORD}`));
    assert.doesNotMatch(answers.join(""), new RegExp(TOKEN));
  }
});
