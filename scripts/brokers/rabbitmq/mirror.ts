/** Where this machine takes its packages of Debian from: its own sources say so. */

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { Unavailable } from "../../process/required-program.ts";

const FOLDER = join("/etc", "apt");

/** The first archive that is not for security updates. Throws `Unavailable` where none is named. */
export async function debianMirror(): Promise<string> {
  const found = mirrorIn(await aptSources());
  if (found !== undefined) return found;
  throw new Unavailable(`${FOLDER} names no archive of Debian; add one to its sources`);
}

/** Reads both forms: a line each that begins with "deb", and stanzas with "URIs:". */
export function mirrorIn(sources: string): string | undefined {
  const named = sources.matchAll(/^(?:deb(?: \[[^\]]*\])?|URIs:)\s+(\S+)/gm);
  return Array.from(named, ([, uri]) => uri!).find((uri) => !uri.includes("security"));
}

async function aptSources(): Promise<string> {
  const parts = await readdir(join(FOLDER, "sources.list.d")).catch(() => []);
  const files = ["sources.list", ...parts.map((name) => join("sources.list.d", name))];
  const texts = files.map((name) => readFile(join(FOLDER, name), "utf8").catch(() => ""));
  return (await Promise.all(texts)).join("\n");
}
