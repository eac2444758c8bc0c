/** Programs that must be on the machine before anything of a registry can be installed. */

import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { runProgram } from "./run-program.ts";

export interface RequiredProgram {
  readonly command: string;
  /** The Debian package that brings it, where Debian's version will do. */
  readonly debianPackage?: string;
  /** What to do where it cannot be installed here. */
  readonly remedy: string;
}

/** What this machine cannot give; the text says what would help. */
export class Unavailable extends Error {
  override readonly name = "Unavailable";
}

/** Installs the Debian package where the program is missing and that can be done. Throws Unavailable. */
export async function requireProgram(program: RequiredProgram): Promise<void> {
  const { command, debianPackage, remedy } = program;
  if (isOnPath(command)) return;
  if (debianPackage === undefined || !isOnPath("apt-get") || process.getuid?.() !== 0) {
    throw new Unavailable(`${command} is not on this machine; ${remedy}`);
  }
  console.error(`installing Debian's ${debianPackage} for ${command}`);
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  await runProgram("apt-get", ["update"], { env });
  await runProgram("apt-get", ["install", "-y", "--no-install-recommends", debianPackage], { env });
  if (!isOnPath(command)) {
    throw new Unavailable(`Debian's ${debianPackage} brought no ${command}; ${remedy}`);
  }
}

function isOnPath(command: string): boolean {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  return folders.some((folder) => folder !== "" && existsSync(join(folder, command)));
}
