/** The README's `curl` lines, as they stand, against the example that it says to start. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { openApp } from "millrace";
import { memoryBroker, memoryStore } from "millrace/memory";
import { ActivityRecorded } from "../examples/pulse/contract.ts";
import { readActivities } from "../examples/pulse/feed.ts";
import { pulse } from "../examples/pulse/pulse.ts";
import { curl, wordsOf } from "../src/http/curl-lines.test.ts";

const TOKEN = "a-secret-of-some-length";
const DEFAULT_DOOR = "http://127.0.0.1:4370";

/** An endless answer is read until it has shown an event. */
async function textOf(response: Response): Promise<string> {
  const endless = response.headers.get("content-type")?.startsWith("text/event-stream") === true;
  let text = "";
  for await (const chunk of response.body!) {
    text += new TextDecoder().decode(chunk);
    if (endless && text.includes("data: ")) break;
  }
  return text;
}

test("the curl lines of the README are answered by the example", async () => {
  const lines = readFileSync("README.md", "utf8").match(/^curl .*$/gm) ?? [];
  assert.ok(lines.length >= 3, `${lines.length} lines were found`);
  await using app = await openApp({
    services: [pulse],
    broker: memoryBroker(),
    store: memoryStore(),
    http: { port: 0, token: TOKEN },
    log: { level: "error" },
  });
  await app.publish(Array.from(readActivities(), (activity) => ActivityRecorded(activity)));
  await app.settled();
  const answers: string[] = [];
  for (const line of lines) {
    const here = line.replaceAll(DEFAULT_DOOR, app.door!.url);
    const response = await curl(wordsOf(here, { TOKEN }));
    assert.equal(response.status, 200, line);
    answers.push(await textOf(response));
  }
  const [description = "", view = "", events = ""] = answers;
  assert.match(description, /"name":"pulse"/);
  assert.equal(JSON.parse(view).documents.length, 3);
  assert.match(events, /^data: \{"specversion":"1\.0",/m);
});
