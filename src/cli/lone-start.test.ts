import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { StartOptions } from "./commands/running/serving.ts";
import { loneStart } from "./lone-start.ts";
import { createProgram } from "./program.ts";

const folder = mkdtempSync(join(tmpdir(), "millrace-lone-"));
after(() => rmSync(folder, { recursive: true }));

const alone = (...args: string[]): StartOptions | undefined =>
  loneStart(["node", "millrace", ...args], folder);

/** What the command line's own parser hands to the command. */
async function parsed(...args: string[]): Promise<unknown> {
  const program = createProgram();
  let options: unknown;
  const start = program.commands.find((command) => command.name() === "start")!;
  start.action(() => {
    options = start.optsWithGlobals();
  });
  await program.parseAsync(["node", "millrace", ...args]);
  return options;
}

test("a start of the broker alone is told the same as by the command line's own parser", async () => {
  const values: Readonly<Record<string, readonly string[]>> = {
    "--json": [],
    "--data": ["d"],
    "--debug": [],
    "--yes": [],
    "--http-port": ["0"],
    "--kafka-port": ["9092"],
    "--amqp-port": ["05672"],
  };
  const lines = Object.entries(values).flatMap(([option, value]) => [
    ["start", option, ...value],
    ...value.map((each) => ["start", `${option}=${each}`, option, each]),
  ]);
  lines.push(["start"], ["start", ...Object.entries(values).flat(2)]);
  for (const line of lines) {
    assert.deepEqual(alone(...line), await parsed(...line), line.join(" "));
  }
  assert.equal(lines.length, 13);
  const program = createProgram();
  const start = program.commands.find((command) => command.name() === "start")!;
  const known = new Set([...program.options, ...start.options].map(({ long }) => long));
  assert.deepEqual(known, new Set([...Object.keys(values), "--config"]));
});

test("what is not plain, and every other command, is left to the command line's own parser", () => {
  const others = [
    [],
    ["run"],
    ["--json", "start"],
    ["start", "more"],
    ["start", "--", "more"],
    ["start", "--help"],
    ["start", "-h"],
    ["help", "start"],
    ["start", "--config", "other.ts"],
    ["start", "--config=other.ts"],
    ["start", "--data"],
    ["start", "--data", "-x"],
    ["start", "--yes=no"],
    ["start", "--http-port", "many"],
    ["start", "--kafka-port="],
    ["start", "--prot", "1"],
  ];
  for (const line of others) assert.equal(alone(...line), undefined, line.join(" "));
});

test("a start beside a configuration is not one of the broker alone", () => {
  assert.deepEqual(alone("start"), {});
  writeFileSync(join(folder, "millrace.config.mjs"), "");
  assert.equal(alone("start"), undefined);
});
