/** Where this package was installed from, so that a new project takes it from the same place. */

import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";

/**
 * What a project in `target` writes beside `millrace` in its dependencies: the file that this package
 * was installed from, where it was one, and otherwise the version from the registry.
 */
export async function dependencySpec(root: string, target: string): Promise<string> {
  const { version } = await readPackage(root);
  const modules = dirname(root);
  const owner = dirname(modules);
  if (!modules.endsWith("node_modules") || !existsSync(join(owner, "package.json"))) {
    // A working copy of the repository.
    return existsSync(join(root, "tsconfig.json"))
      ? `file:${relative(target, root)}`
      : `^${version}`;
  }
  const { dependencies, devDependencies } = await readPackage(owner);
  const spec = dependencies?.["millrace"] ?? devDependencies?.["millrace"] ?? `^${version}`;
  if (!spec.startsWith("file:")) return spec;
  const path = relative(target, resolve(owner, spec.slice("file:".length)));
  return `file:${path}`;
}

interface PackageFile {
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

async function readPackage(folder: string): Promise<PackageFile> {
  const file: PackageFile = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
  return file;
}
