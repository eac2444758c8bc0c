/**
 * `millrace init`: writes a project that runs.
 *
 * The files stand in the package, beside the sources of this command, with `.tmpl` after their names so
 * that no tool takes them for ours. A folder is only written to where nothing can be lost: it is empty,
 * or holds what `npm install` and `git init` leave; a `package.json` keeps all it says and gets what it
 * lacks.
 */

import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { basename, join, relative, resolve } from "node:path";
import { EXIT, MillraceError, type ExitCode } from "../../../model/errors.ts";
import type { CommandContext, GlobalOptions } from "../../context.ts";
import { dependencySpec } from "../../package-place.ts";

export interface InitOptions extends GlobalOptions {
  readonly template: string;
}

/** From `src/cli/commands/running` as from `dist/cli/commands/running`. */
const PACKAGE = resolve(import.meta.dirname, "../../../..");
const TEMPLATES = join(PACKAGE, "src/cli/templates");
const SUFFIX = ".tmpl";
const MAY_BE_THERE: ReadonlySet<string> = new Set([
  "node_modules",
  "package.json",
  "package-lock.json",
  ".git",
]);

export async function init(
  { output, folder: here }: CommandContext,
  { template }: InitOptions,
  folder = ".",
): Promise<ExitCode> {
  const source = await templateFolder(template);
  const target = resolve(here, folder);
  await refuseOccupied(target);
  await mkdir(target, { recursive: true });
  const values = { name: packageName(target), millrace: await dependencySpec(PACKAGE, target) };
  const files: string[] = [];
  for (const entry of (await readdir(source)).toSorted()) {
    const name = entry.slice(0, -SUFFIX.length).replace(/^gitignore$/, ".gitignore");
    const text = filled(await readFile(join(source, entry), "utf8"), values);
    await writeFile(join(target, name), await mergedWith(join(target, name), text));
    files.push(name);
  }
  const next = nextCommands(here, target);
  const lines = [`${files.length} files in ${target}`, "next:", ...next.map((line) => `  ${line}`)];
  await output.result({ folder: target, files, next }, lines.join("\n"));
  return EXIT.ok;
}

async function templateFolder(name: string): Promise<string> {
  const known = await readdir(TEMPLATES);
  if (known.includes(name)) return join(TEMPLATES, name);
  throw new MillraceError(
    "BAD_ARGUMENT",
    `there is no template ${JSON.stringify(name.slice(0, 100))}; there is ${known.join(", ")}`,
    { details: { argument: "template", known } },
  );
}

async function refuseOccupied(target: string): Promise<void> {
  if (!existsSync(target)) return;
  const files = await readdir(target).catch((cause: unknown) => {
    throw new MillraceError("BAD_ARGUMENT", `${target} is no folder`, { cause });
  });
  const others = files.filter((name) => !MAY_BE_THERE.has(name));
  if (others.length === 0) return;
  throw new MillraceError(
    "CONFIRMATION_NEEDED",
    `${target} holds ${others.slice(0, 3).join(", ")}${others.length > 3 ? ", …" : ""}; nothing was written: name a folder that is new or empty`,
    { details: { folder: target } },
  );
}

/** What npm takes for a name. */
function packageName(target: string): string {
  const name = basename(target)
    .toLowerCase()
    .replaceAll(/[^a-z0-9._~-]+/g, "-");
  return name.replace(/^[._-]+/, "") || "hello";
}

function filled(text: string, values: Readonly<Record<string, string>>): string {
  return text.replaceAll(/\{\{(\w+)\}\}/g, (whole, name: string) => values[name] ?? whole);
}

/** The file's text; of a package that is there, everything it says stays. */
async function mergedWith(path: string, text: string): Promise<string> {
  if (!existsSync(path)) return text;
  let present: any;
  try {
    present = JSON.parse(await readFile(path, "utf8"));
  } catch (cause) {
    throw new MillraceError("BAD_JSON", `${path} is not JSON; mend it first`, { cause });
  }
  const wanted: any = JSON.parse(text);
  const both = (name: string): object => ({ ...wanted[name], ...present[name] });
  const scripts = { ...wanted.scripts, ...withoutPlaceholder(present.scripts) };
  const merged = {
    ...wanted,
    ...present,
    // The files are modules, and npm init may have said otherwise.
    type: "module",
    scripts,
    dependencies: both("dependencies"),
    devDependencies: both("devDependencies"),
  };
  return `${JSON.stringify(merged, null, 2)}\n`;
}

/** `npm init` writes a test script that only fails. */
function withoutPlaceholder(scripts: Readonly<Record<string, string>> = {}): object {
  return Object.fromEntries(
    Object.entries(scripts).filter(([, line]) => !line.includes("no test specified")),
  );
}

function nextCommands(here: string, target: string): readonly string[] {
  const way = relative(here, target);
  const rest = ["npm install", "npm test", "npm run dev"];
  return way === "" ? rest : [`cd ${/\s/.test(way) ? JSON.stringify(way) : way}`, ...rest];
}
