/** The runtimes of strangers' clients, installed on their first use. */

import { createHash } from "node:crypto";
import { copyFile, mkdir, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { installedOnce } from "../../../scripts/process/installed-once.ts";
import { requireProgram } from "../../../scripts/process/required-program.ts";
import {
  type ProgramOptions,
  type ProgramOutput,
  runProgram,
} from "../../../scripts/process/run-program.ts";
import { copyJars, installKafka, javaOptions } from "../../../scripts/brokers/kafka/install.ts";
import type { ClientTools } from "../client-case.ts";

const HERE = join(import.meta.dirname, "..");
const PROGRAMS = join(HERE, "programs");

export interface CaseTools {
  readonly tools: ClientTools;
  /** The milliseconds spent on installing so far. */
  readonly busy: () => number;
}

export function createTools(place: {
  readonly folder: string;
  readonly signal: AbortSignal;
}): CaseTools {
  const { folder, signal } = place;
  let endedMs = 0;
  let runningSinceMs: number | undefined;
  const installed = async <Result>(install: () => Promise<Result>): Promise<Result> => {
    const startedMs = (runningSinceMs = performance.now());
    try {
      return await install();
    } finally {
      runningSinceMs = undefined;
      endedMs += performance.now() - startedMs;
    }
  };
  const run = (
    command: string,
    args: readonly string[],
    options?: ProgramOptions,
  ): Promise<ProgramOutput> => runProgram(command, args, { cwd: folder, signal, ...options });
  const classPath = async (libraries: "kafka" | "jms"): Promise<string> => {
    const install = libraries === "kafka" ? installKafka : installJms;
    return join(await installed(install), "lib", "*");
  };

  const tools: ClientTools = {
    async node(program, args, options) {
      const modules = await installed(installNode);
      // A module is looked for beside the file that imports it.
      const copy = join(modules, basename(program));
      await copyFile(join(PROGRAMS, program), copy);
      return run(process.execPath, [copy, ...args], options);
    },
    async python(program, args, options) {
      const environment = await installed(installPython);
      return run(
        join(environment, "venv", "bin", "python"),
        [join(PROGRAMS, program), ...args],
        options,
      );
    },
    async kafkaClass(name, args, options) {
      return run("java", [...javaOptions(await classPath("kafka")), name, ...args], options);
    },
    async java(program, args, { libraries: wanted = "kafka", ...options } = {}) {
      const libraries = await classPath(wanted);
      const classes = join(folder, "classes");
      await mkdir(classes, { recursive: true });
      const source = join(PROGRAMS, program);
      await installed(() => run("javac", ["-cp", libraries, "-d", classes, source]));
      const path = `${libraries}:${classes}`;
      return run("java", [...javaOptions(path), basename(program, ".java"), ...args], options);
    },
    async kcat(args, options) {
      await installed(() =>
        requireProgram({ command: "kcat", debianPackage: "kcat", remedy: "install kcat" }),
      );
      return run("kcat", args, options);
    },
  };
  const busy = (): number =>
    endedMs + (runningSinceMs === undefined ? 0 : performance.now() - runningSinceMs);
  return { tools, busy };
}

async function installNode(): Promise<string> {
  const source = join(HERE, "npm");
  const files = ["package.json", "package-lock.json", ".npmrc"];
  return installedOnce({
    name: "client-packages",
    version: await versionOf(source, files),
    install: async (folder) => {
      for (const file of files) await copyFile(join(source, file), join(folder, file));
      await runProgram("npm", ["ci", "--ignore-scripts"], { cwd: folder });
    },
  });
}

async function installJms(): Promise<string> {
  const source = join(HERE, "java");
  return installedOnce({
    name: "client-jms",
    version: await versionOf(source, ["pom.xml"]),
    install: (folder) => copyJars(join(source, "pom.xml"), folder),
  });
}

async function installPython(): Promise<string> {
  const source = join(HERE, "python");
  const remedy = "install Python 3.10 or later with venv and pip";
  await requireProgram({ command: "python3", debianPackage: "python3-venv", remedy });
  return installedOnce({
    name: "client-python",
    version: await versionOf(source, ["requirements.txt"]),
    install: async (folder) => {
      const requirements = join(source, "requirements.txt");
      const python = join(folder, "venv", "bin", "python");
      await runProgram("python3", ["-m", "venv", join(folder, "venv")]);
      await runProgram(python, ["-m", "pip", "install", "-q", "-r", requirements]);
    },
  });
}

async function versionOf(folder: string, files: readonly string[]): Promise<string> {
  const hash = createHash("sha256");
  for (const file of files) hash.update(await readFile(join(folder, file)));
  return hash.digest("hex").slice(0, 12);
}
