/**
 * Runs cases one after the other on one server, and says of each in a line what it counted, or what
 * went wrong and all that the client and the server wrote meanwhile.
 */

import { writeFileSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { packPackage } from "../../scripts/package-trial/pack-package.ts";
import { mustRun } from "../../scripts/package-trial/surroundings.ts";
import type { ClientCase, ClientPlace, Counts } from "./client-case.ts";
import { MillraceServer, type LaunchOptions } from "./millrace-server.ts";
import { createTools } from "./tools/tools.ts";

export interface SuiteOptions {
  /** The package as users have it: built, packed and installed from its archive. */
  readonly built: boolean;
  /** Another broker's bootstrap address, to try the cases themselves: what fails there is a wrong case. */
  readonly kafka: string | undefined;
  readonly print: (line: string) => void;
}

export interface SuiteResult {
  readonly passed: number;
  readonly failed: number;
}

const TIMEOUT_MS = 60_000;
const ROOT = resolve(import.meta.dirname, "../..");

export async function runClients(
  cases: readonly ClientCase[],
  { built, kafka, print }: SuiteOptions,
): Promise<SuiteResult> {
  const names = cases.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new Error(`two cases are called ${twice}`);
  const folder = await mkdtemp(join(tmpdir(), "millrace-clients-"));
  const build = built ? { built, home: installPackage(folder) } : {};
  const server = await MillraceServer.start({ folder: join(folder, "server"), ...build });
  let failed = 0;
  try {
    const ordered = cases.toSorted((a, b) => Number(a.last ?? false) - Number(b.last ?? false));
    for (const [index, one] of ordered.entries()) {
      const startedMs = performance.now();
      const seconds = (): string => ((performance.now() - startedMs) / 1000).toFixed(1);
      const logged = (await server.log()).length;
      if (!server.running && one.last !== true) await server.start();
      try {
        const own = join(folder, `case-${index}`);
        const counts = await runCase(one, { server, folder: own, build, kafka });
        print(`ok   ${one.name}: ${shown(counts)} (${seconds()} s)`);
      } catch (error) {
        failed++;
        print(`FAIL ${one.name} (${seconds()} s)`);
        print(indented(error instanceof Error ? error.message : String(error)));
        print(indented(`the server wrote:\n${(await server.log()).slice(logged)}`));
      }
    }
  } finally {
    await server.kill();
    await rm(folder, { recursive: true, force: true });
  }
  return { passed: cases.length - failed, failed };
}

interface Surroundings {
  readonly server: MillraceServer;
  readonly folder: string;
  readonly build: Pick<LaunchOptions, "built" | "home">;
  readonly kafka: string | undefined;
}

/** Returns where it lies then. */
function installPackage(folder: string): string {
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }));
  const archive = packPackage(ROOT, folder);
  mustRun(`npm install --ignore-scripts --no-audit --no-fund ${archive}`, folder);
  return join(folder, "node_modules/millrace");
}

async function runCase(
  one: ClientCase,
  { server, folder, build, kafka }: Surroundings,
): Promise<Counts> {
  if (Object.values(one.demands).filter((count) => count > 0).length === 0) {
    throw new Error("the case demands nothing");
  }
  await mkdir(folder, { recursive: true });
  const timeout = new AbortController();
  const { tools, busy } = createTools({ folder, signal: timeout.signal });
  await using others = new AsyncDisposableStack();
  const prefix = one.name.replaceAll(/[^a-z0-9]+/gi, "-");
  const place: ClientPlace = {
    kafka: kafka ?? server.kafka,
    amqp: { host: "127.0.0.1", port: server.amqpPort },
    server,
    name: (purpose) => `${prefix}-${purpose}`,
    startServer: async (settings) => {
      const options: LaunchOptions = { ...settings, folder: join(folder, "server"), ...build };
      return others.use(await MillraceServer.start(options));
    },
    folder,
    tools,
  };
  const counts = await withinTime(one, () => one.run(place), { timeout, busy });
  const demanded = shown(one.demands);
  if (shown(counts) !== demanded) {
    throw new Error(`counted ${shown(counts)}; demanded are ${demanded}`);
  }
  return counts;
}

/** Installing a client does not count as its time. */
async function withinTime(
  { timeoutMs = TIMEOUT_MS, name }: ClientCase,
  run: () => Promise<Counts>,
  { timeout, busy }: { readonly timeout: AbortController; readonly busy: () => number },
): Promise<Counts> {
  const startedMs = performance.now();
  const { promise: late, reject } = Promise.withResolvers<never>();
  // What the aborted programs say is more telling than that it was late, so they get a moment.
  const watch = setInterval(() => {
    const tookMs = performance.now() - startedMs - busy();
    if (tookMs > timeoutMs) timeout.abort();
    if (tookMs > timeoutMs + 2000) reject(new Error(`${name} did not end in ${timeoutMs} ms`));
  }, 100);
  try {
    return await Promise.race([run(), late]);
  } finally {
    clearInterval(watch);
  }
}

function shown(counts: Counts): string {
  const names = Object.keys(counts).toSorted();
  return names.map((name) => `${name} ${counts[name]}`).join(", ");
}

function indented(text: string): string {
  return text.trimEnd().replaceAll(/^/gm, "     ");
}
