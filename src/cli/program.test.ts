import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { test } from "node:test";
import { CommanderError, type Command } from "commander";
import { ERROR_CODES, EXIT } from "../model/errors.ts";
import { createProgram } from "./program.ts";

const PAGE = readFileSync(resolve(import.meta.dirname, "../../docs/cli.md"), "utf8");

/** Commands that change or remove what is there: they ask, or want --yes, and can be tried. */
const DESTRUCTIVE: readonly string[] = [
  "millrace contract lock",
  "millrace dlq discard",
  "millrace dlq edit",
  "millrace group seek",
  "millrace log repair",
  "millrace replay run",
  "millrace restore",
  "millrace saga retry",
  "millrace view drop",
  "millrace view rebuild",
  "millrace view swap",
];
/** These only add, or can be taken back, and do not ask. */
const TRIABLE: readonly string[] = ["millrace dlq redrive", "millrace pause", "millrace resume"];

interface Leaf {
  readonly path: string;
  readonly command: Command;
}

function leavesOf(command: Command, path: string): Leaf[] {
  if (command.commands.length === 0) return [{ path, command }];
  return command.commands.flatMap((child) => leavesOf(child, `${path} ${child.name()}`));
}

const LEAVES = leavesOf(createProgram(), "millrace");

/** What `--help` prints, with what was added to it. */
function helpOf({ command }: Leaf): string {
  let text = "";
  command.configureOutput({ writeOut: (part) => (text += part) });
  command.outputHelp();
  return text;
}

async function exitCodeOf(args: readonly string[]): Promise<number> {
  const program = createProgram();
  const quiet = {
    writeOut: () => undefined,
    writeErr: () => undefined,
    outputError: () => undefined,
  };
  for (const { command } of [{ command: program }, ...leavesOf(program, "")]) {
    command.configureOutput(quiet).exitOverride();
  }
  try {
    await program.parseAsync([...args], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  }
  return EXIT.ok;
}

test("the help of every command ends with an example of itself, and names --json", () => {
  for (const leaf of LEAVES) {
    const help = helpOf(leaf);
    const [, shown = ""] = /\nExamples?:\n([^]*)$/.exec(help) ?? [];
    assert.ok(shown.includes(leaf.path), `${leaf.path}: ${help}`);
    assert.match(help, /--json /, leaf.path);
  }
  assert.ok(LEAVES.length >= 40, `only ${LEAVES.length} commands were looked at`);
});

test("every command has a description, and each of its options says what it does", () => {
  for (const { path, command } of LEAVES) {
    assert.notEqual(command.description(), "", path);
    for (const { long, description, hidden } of command.options) {
      assert.ok(hidden || description !== "", `${path} ${long}`);
    }
  }
});

test("just the destructive commands have --yes, and they can be tried with --dry-run", () => {
  const having = (long: string): string[] =>
    LEAVES.filter(({ command }) => command.options.some((option) => option.long === long))
      .map(({ path }) => path)
      .toSorted();
  const servers = ["millrace dev", "millrace run", "millrace start"];
  assert.deepEqual(having("--yes"), [...DESTRUCTIVE, ...servers].toSorted());
  assert.deepEqual(having("--dry-run"), [...DESTRUCTIVE, ...TRIABLE].toSorted());
});

test("an unknown option, and an unknown command, are wrong usage", async () => {
  for (const { path } of LEAVES) {
    const args = [...path.split(" ").slice(1), "--no-such-option"];
    assert.equal(await exitCodeOf(args), EXIT.usage, path);
  }
  assert.equal(await exitCodeOf(["no-such-command"]), EXIT.usage);
  assert.equal(await exitCodeOf(["--help"]), EXIT.ok);
});

test("no option of a command hides one that all commands have", () => {
  const global = createProgram().options.map(({ long }) => long);
  for (const { path, command } of LEAVES) {
    const hidden = command.options.filter(({ long }) => global.includes(long));
    assert.deepEqual(hidden, [], path);
  }
});

test("docs/cli.md names every command and every option", () => {
  const missing = LEAVES.flatMap(({ path, command }) => [
    ...(PAGE.includes(path) ? [] : [path]),
    ...command.options
      .filter(({ hidden, long }) => !hidden && !PAGE.includes(long ?? ""))
      .map(({ long }) => `${path} ${long}`),
  ]);
  assert.deepEqual(missing, []);
});

test("docs/cli.md shows no command and no option that there is not", () => {
  const known = new Set(LEAVES.map(({ path }) => path));
  const groups = new Set(LEAVES.map(({ path }) => path.split(" ").slice(0, 2).join(" ")));
  const options = new Set(["--help", ...createProgram().options.map(({ long }) => long)]);
  for (const { command } of LEAVES) for (const { long } of command.options) options.add(long);
  const shown = [...PAGE.matchAll(/^#{2,3} (millrace .*)$/gm)].flatMap(([, title = ""]) =>
    title.split(", "),
  );
  const strangers = shown.filter((path) => !known.has(path) && !groups.has(path));
  assert.deepEqual(strangers, []);
  const unknown = [...PAGE.matchAll(/(?<![\w-])--[a-z][a-z-]*/g)]
    .map(([option]) => option)
    .filter((option) => !options.has(option));
  assert.deepEqual(unknown, []);
});

test("docs/cli.md lists every exit code, and the codes end with nothing else", () => {
  const codes: ReadonlySet<number> = new Set(Object.values(EXIT));
  for (const code of codes) assert.match(PAGE, new RegExp(`^\\| ${code} \\|`, "m"));
  for (const { exit } of Object.values(ERROR_CODES)) assert.ok(codes.has(exit));
});
