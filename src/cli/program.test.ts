import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { test } from "node:test";
import type { Command } from "commander";
import { EXIT } from "../model/errors.ts";
import { createProgram } from "./program.ts";

const PAGE = readFileSync(resolve(import.meta.dirname, "../../docs/cli.md"), "utf8");

function leavesOf(command: Command, path: string): { path: string; command: Command }[] {
  if (command.commands.length === 0) return [{ path, command }];
  return command.commands.flatMap((child) => leavesOf(child, `${path} ${child.name()}`));
}

test("docs/cli.md names every command and every option", () => {
  const leaves = leavesOf(createProgram(), "millrace");
  const missing = leaves.flatMap(({ path, command }) => [
    ...(PAGE.includes(path) ? [] : [path]),
    ...command.options
      .filter(({ hidden, long }) => !hidden && !PAGE.includes(long ?? ""))
      .map(({ long }) => `${path} ${long}`),
  ]);
  assert.deepEqual(missing, []);
  assert.ok(leaves.length >= 20, `only ${leaves.length} commands were looked at`);
});

test("docs/cli.md lists every exit code", () => {
  for (const code of Object.values(EXIT)) assert.match(PAGE, new RegExp(`^\\| ${code} \\|`, "m"));
});
