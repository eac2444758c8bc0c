/**
 * `npm run check`: everything about the tree that is not behaviour. Every step runs, so one look shows
 * all that is wrong; the exit code is 1 if any failed.
 */

import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

interface Step {
  readonly name: string;
  readonly run: () => string | undefined;
}

/** Runs a command and returns what it said if it failed. */
function command(program: string, ...args: string[]): string | undefined {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: "utf8" });
  if (status === 0) return undefined;
  return `${program} ${args.join(" ")}\n${stdout}${stderr}${error?.message ?? ""}`;
}

interface LockedPackage {
  readonly dev?: boolean;
  readonly hasInstallScript?: boolean;
  readonly license?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

function lockedPackages(): Readonly<Record<string, LockedPackage>> {
  const lock: { packages: Record<string, LockedPackage> } = JSON.parse(
    readFileSync("package-lock.json", "utf8"),
  );
  return lock.packages;
}

/** It names no host, and has all that it refers to: npm leaves out what it could not fetch, and `npm ci` fails. */
function lockFileIsWhole(): string | undefined {
  if (/"resolved":\s*"\w+:/.test(readFileSync("package-lock.json", "utf8"))) {
    return "package-lock.json names download addresses";
  }
  const locked = lockedPackages();
  const wanted = Object.values(locked).flatMap((entry) =>
    Object.keys(entry.optionalDependencies ?? {}),
  );
  const missing = wanted.filter((name) => locked[`node_modules/${name}`] === undefined);
  return missing.length === 0 ? undefined : `package-lock.json lacks ${missing.join(", ")}`;
}

/** No dependency that we ship may run code at installation or carry a compiled addon. */
function dependenciesAreInert(): string | undefined {
  const shipped = Object.entries(lockedPackages()).filter(
    ([path, entry]) => path.startsWith("node_modules/") && entry.dev !== true,
  );
  const scripted = shipped
    .filter(([, entry]) => entry.hasInstallScript === true)
    .map(([path]) => path);
  const licences = shipped.filter(
    ([, entry]) => !/^(MIT|ISC|Apache-2.0|BSD-[23]-Clause|0BSD)$/.test(entry.license ?? "MIT"),
  );
  if (scripted.length > 0) return `these run scripts when installed: ${scripted.join(", ")}`;
  if (licences.length > 0)
    return `not a permissive licence: ${licences.map(([path]) => path).join(", ")}`;
  return undefined;
}

/** Builds, packs, and looks at the package as its users will get it. */
function packageIsSound(): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), "millrace-pack-"));
  try {
    rmSync("dist", { recursive: true, force: true });
    const failed =
      command("tsc", "-p", "tsconfig.build.json") ??
      command("node", "scripts/bundle.ts") ??
      command("npm", "pack", "--pack-destination", folder) ??
      command("publint", "--strict");
    if (failed !== undefined) return failed;
    const archive = join(
      folder,
      `millrace-${JSON.parse(readFileSync("package.json", "utf8")).version}.tgz`,
    );
    if (!existsSync(archive)) return `npm pack left no ${archive}`;
    return command("attw", archive, "--profile", "esm-only");
  } finally {
    rmSync(folder, { recursive: true, force: true });
    // Left behind it would grow old, and npx in this folder takes it before the sources.
    rmSync("dist", { recursive: true, force: true });
  }
}

const steps: readonly Step[] = [
  { name: "format", run: () => command("oxfmt", "--check", ".") },
  { name: "lint", run: () => command("oxlint", "--type-aware") },
  { name: "types", run: () => command("tsc", "--noEmit") },
  { name: "tidy", run: () => command("node", "--test", "test/tidy.test.ts") },
  { name: "features page", run: () => command("node", "scripts/features.ts", "--check") },
  {
    name: "protocols page",
    run: () => command("node", "--conditions=source", "scripts/protocols.ts", "--check"),
  },
  { name: "lock file", run: lockFileIsWhole },
  { name: "dependencies", run: dependenciesAreInert },
  { name: "type-check time", run: () => command("node", "scripts/type-check-time.ts") },
  { name: "unused code", run: () => command("knip") },
  { name: "package", run: packageIsSound },
];

let failed = 0;
for (const { name, run } of steps) {
  const startedMs = performance.now();
  const problem = run();
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  console.log(`${problem === undefined ? "ok  " : "FAIL"} ${name} (${seconds} s)`);
  if (problem !== undefined) {
    failed++;
    console.log(problem);
  }
}
console.log(`${steps.length - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
