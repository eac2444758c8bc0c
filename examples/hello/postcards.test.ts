// Both services together, on virtual time: half an hour takes no time.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { openScenario } from "millrace/testing";
import { Greet } from "./contract.ts";
import { guests, hello } from "./hello.ts";
import { post } from "./post.ts";
import { postcards } from "./postcards.ts";

const ada = { name: "Ada" };

beforeEach(() => post.sent.clear());

test("two greetings, one postcard", async () => {
  await using scenario = await openScenario({ services: [hello, postcards] });
  await scenario.ask(Greet(ada));
  await scenario.ask(Greet(ada));
  await scenario.settled();
  assert.equal((await scenario.get(guests, "Ada"))?.times, 2);
  assert.deepEqual([...post.sent.values()], ["Ada"]);
});

test("a postcard waits while the post office is closed", async () => {
  await using scenario = await openScenario({ services: [hello, postcards] });
  post.open = false;
  await scenario.ask(Greet(ada));
  await scenario.pass("30m");
  assert.equal(post.sent.size, 0);
  post.open = true;
  await scenario.settled();
  assert.deepEqual([...post.sent.values()], ["Ada"]);
});
