/**
 * Runs every command of `docs/http.md` against a door with the shop's data, in the order of the page,
 * and compares what the page says about the answer. The commands are read as curl would read them, so
 * that the test needs no curl; an option that is not known here fails it.
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { Admin } from "../admin/admin.ts";
import type { CommandAdmin } from "../admin/api/command-admin.ts";
import { openStage, orderDesk, orders, type Stage } from "../admin/shop-stage.test.ts";
import { valuesOf } from "../model/outcome.ts";
import { createRegistry } from "../schema/registry.ts";
import { curl, wordsOf } from "./curl-lines.test.ts";
import { serve } from "./serving/serve.ts";

const TOKEN = "the-token-of-this-test";

interface Example {
  readonly command: string;
  readonly expected: string;
}

function examplesOf(page: string): readonly Example[] {
  const blocks = page.matchAll(/^```sh\n(.*?)^```\n```\n(.*?)^```$/gms);
  return Array.from(blocks, ([, command = "", expected = ""]) => ({
    command,
    expected: expected.trim(),
  }));
}

/** The page's answer, in which `…` stands for anything. */
function patternOf(expected: string): RegExp {
  const parts = expected.split("…").map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
  return new RegExp(`^${parts.join("[^]*?")}$`);
}

/** No service runs on the stage, so this one command is answered here: once it is done, then refused. */
function answeringCommands({ admin }: Stage): Admin {
  let placed = 0;
  const answering: Pick<CommandAdmin, "ask" | "send"> = {
    ask: async () =>
      placed++ === 0
        ? { ok: true, token: "t1.W10", replyJson: '{"number":1}' }
        : { ok: false, refusal: { code: "already-placed" } },
    send: async (command) => valuesOf(await admin.publish([command]))[0]!,
  };
  return { ...admin, ...answering };
}

test("every command in docs/http.md answers as the page says", async () => {
  const page = readFileSync(new URL("../../docs/http.md", import.meta.url), "utf8");
  const examples = examplesOf(page);
  assert.equal(examples.length, page.match(/^```sh$/gm)?.length, "each command has its answer");
  await using stage = await openStage();
  const { environment } = stage;
  const registry = createRegistry([orders, orderDesk]);
  const admin = answeringCommands(stage);
  await using door = await serve({ admin, environment, registry, token: TOKEN, port: 0 });
  for (const { command, expected } of examples) {
    const response = await curl(wordsOf(command, { DOOR: door.url, TOKEN }));
    const text = (await response.text()).trim();
    const answer = /^\d{3} /.test(expected) ? `${response.status} ${text}` : text;
    assert.match(answer, patternOf(expected), command);
  }
  assert.ok(examples.length >= 15, `${examples.length} commands were run`);
});
