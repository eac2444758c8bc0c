/**
 * `npm run build`, second step: what `millrace start` runs without a configuration, in a few files.
 *
 * The compiler's output is hundreds of modules, and finding, reading and linking each of them is most of
 * a start. So the modules that such a start loads are also written as one file for each moment of
 * loading: the start itself, then what answers behind each door. The package's exports, and every command
 * that may load a program's own modules, stay the compiler's output: a program and the command line
 * must share one copy of each declaration. See docs/decisions/0018-a-start-runs-from-few-files.md.
 */

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { rollup } from "@rollup/wasm-node";

const OUTPUT = join("dist", "bundle");
/** By its file: the trial of the package has no commands of npm on its path. */
const TSC = join("node_modules", "typescript", "bin", "tsc");

/** The worker's file is looked for beside the one that starts it. */
const ENTRIES: Readonly<Record<string, string>> = {
  "start-alone": join("cli", "commands", "running", "start-alone.js"),
  "unpack-worker": join("embedded", "log", "unpacking", "unpack-worker.js"),
};

/** Files by the modules that they are made of, which take along what those import. */
const FILES: Readonly<Record<string, string>> = {
  // What the unpacking thread needs, so that it loads nothing else.
  [join("format", "batch-contents.js")]: "batch-contents",
  // Doors that are asked for open before a start is ready.
  [join("running", "start.js")]: "start",
  [join("doors", "doorkeeper.js")]: "start",
  [join("kafka", "kafka-door.js")]: "start",
  [join("amqp", "amqp-door.js")]: "start",
};

rmSync(OUTPUT, { recursive: true, force: true });
const compiled = mkdtempSync(join(tmpdir(), "millrace-bundle-"));
try {
  compile();
  await write();
} finally {
  rmSync(compiled, { recursive: true });
}

/** As the package is, but without comments: Node reads and keeps the whole text of what it runs. */
function compile(): void {
  const unused = ["declaration", "isolatedDeclarations", "declarationMap", "sourceMap"];
  const left = unused.flatMap((setting) => [`--${setting}`, "false"]);
  const args = ["-p", "tsconfig.build.json", "--removeComments", "--outDir", compiled, ...left];
  execFileSync(process.execPath, [TSC, ...args], { stdio: "inherit" });
}

async function write(): Promise<void> {
  const bundle = await rollup({
    input: Object.fromEntries(
      Object.entries(ENTRIES).map(([name, path]) => [name, join(compiled, path)]),
    ),
    external: isLeftOut,
    onwarn(warning) {
      // Of `using`, which the compiler writes out with a check for a `this` that modules have not.
      if (warning.code !== "THIS_IS_UNDEFINED") throw new Error(warning.message);
    },
  });
  const { output } = await bundle.write({
    dir: OUTPUT,
    format: "es",
    chunkFileNames: "[name].js",
    generatedCode: "es2015",
    plugins: [{ name: "ascii", renderChunk: inAscii }],
    manualChunks: (id) => Object.entries(FILES).find(([path]) => id.endsWith(path))?.[1],
  });
  await bundle.close();
  const files = new Set(output.map(({ fileName }) => fileName));
  for (const part of output) {
    if (part.type !== "chunk") continue;
    for (const [, wanted = ""] of part.code.matchAll(/"\.\/([\w-]+\.js)",\s*import\.meta\.url/g)) {
      if (!files.has(wanted))
        throw new Error(`${part.fileName} looks for ${wanted}: name its entry`);
    }
  }
  const bytes = output.reduce(
    (sum, part) => sum + (part.type === "chunk" ? part.code.length : 0),
    0,
  );
  process.stdout.write(`${OUTPUT}: ${output.length} files, ${Math.round(bytes / 1024)} KiB\n`);
}

/** One character beyond Latin-1 doubles the memory of a whole file. */
function inAscii(code: string): string {
  return code.replaceAll(
    /[^\0-\x7f]/g,
    (unit) => String.raw`\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Packages, and what a configuration needs, which never runs in the bundle. */
function isLeftOut(id: string, _importer: string | undefined, isResolved: boolean): boolean {
  if (!isResolved) return !id.startsWith(".") && !id.startsWith(compiled);
  const path = relative(compiled, id);
  return path === join("host", "config.js") || path === join("cli", "locked-contract.js");
}
