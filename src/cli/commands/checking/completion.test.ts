import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { createProgram } from "../../program.ts";
import { completionScript } from "./completion.ts";

/** What bash offers for the last of these words. */
function completed(...words: readonly string[]): readonly string[] {
  const script = `${completionScript(createProgram(), "bash")}
COMP_WORDS=(millrace ${words.map((word) => `'${word}'`).join(" ")})
COMP_CWORD=${words.length}
_millrace
printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr, status } = spawnSync("bash", ["-c", script], { encoding: "utf8" });
  assert.equal(status, 0, stderr);
  return stdout.trim().split("\n");
}

test("bash completes commands, what stands below them, and their options", () => {
  assert.deepEqual(completed("dl"), ["dlq"]);
  assert.deepEqual(completed("dlq", "e"), ["edit"]);
  assert.deepEqual(completed("dlq", "edit", "--pay"), ["--payload"]);
  assert.deepEqual(completed("--debug", "saga", "sh"), ["show"]);
  assert.ok(completed("find", "--").includes("--json"), "options that all commands have");
});

test("zsh has the same by its bash completion, and fish a line for each word", () => {
  assert.match(completionScript(createProgram(), "zsh"), /^#compdef millrace\n.*bashcompinit/);
  const fish = completionScript(createProgram(), "fish").split("\n");
  assert.ok(fish.every((line) => line.startsWith("complete -c millrace ")));
  assert.ok(
    fish.some((line) =>
      line.includes(
        '-n "__fish_seen_subcommand_from dlq; and __fish_seen_subcommand_from edit" -l payload',
      ),
    ),
  );
});
