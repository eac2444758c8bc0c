/** Builds this repository's package anew and packs it, as it would be published. */

import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { mustRun } from "./surroundings.ts";

/** Returns the archive, in the folder `shelf`. Throws what the compiler or npm said. */
export function packPackage(root: string, shelf: string): string {
  rmSync(join(root, "dist"), { recursive: true, force: true });
  mustRun("node node_modules/typescript/bin/tsc -p tsconfig.build.json", root);
  mustRun("node scripts/bundle.ts", root);
  mustRun(`npm pack --pack-destination ${shelf}`, root);
  const { version }: { version: string } = JSON.parse(
    readFileSync(join(root, "package.json"), "utf8"),
  );
  return join(shelf, `millrace-${version}.tgz`);
}
