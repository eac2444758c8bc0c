/**
 * Measures how long `tsc` takes over a contract of 300 event types in 30 streams, as a user's own
 * project would have it, and fails where it takes 5 seconds or more.
 *
 * The contract is generated inside the repository, because packages are found from there, into
 * `.millrace/`, which git ignores.
 */

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

const TYPES = 300;
const TYPES_PER_STREAM = 10;
const SECONDS_MAX = 5;

const root = resolve(import.meta.dirname, "..");
mkdirSync(join(root, ".millrace"), { recursive: true });
const folder = mkdtempSync(join(root, ".millrace", "types-"));
try {
  writeFileSync(join(folder, "contract.ts"), contract());
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(configuration()));
  const tsc = join(root, "node_modules", ".bin", "tsc");
  const startedNs = process.hrtime.bigint();
  execFileSync(tsc, ["--noEmit", "-p", folder], { stdio: "inherit" });
  const seconds = Number(process.hrtime.bigint() - startedNs) / 1e9;
  console.log(
    `${TYPES} event types type-check in ${seconds.toFixed(2)} s (at most ${SECONDS_MAX})`,
  );
  if (seconds >= SECONDS_MAX) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function contract(): string {
  const lines = [
    'import { z } from "zod";',
    'import { event } from "../../src/schema/message-type.ts";',
    'import { stream } from "../../src/schema/channel.ts";',
    'import type { DraftOf } from "../../src/schema/declaration.ts";',
    "const entity = z.object({ id: z.string(), at: z.iso.datetime() });",
  ];
  for (let type = 0; type < TYPES; type++) {
    lines.push(
      `export const Event${type} = event("event.${type}", entity.extend({`,
      `  name${type}: z.string(), total: z.number(), state: z.enum(["open", "closed", "s${type}"]),`,
      "  lines: z.array(z.object({ sku: z.string(), count: z.int(), note: z.string().optional() })),",
      "}), { key: (e) => e.id, version: 2, upcast: { 1: (old) => ({ ...old, total: 0 }) } });",
      `export const draft${type}: DraftOf<typeof Event${type}> = Event${type}({`,
      `  id: "1", at: "2026-01-01T00:00:00Z", name${type}: "n", total: 1, state: "s${type}", lines: [],`,
      "});",
    );
  }
  for (let first = 0; first < TYPES; first += TYPES_PER_STREAM) {
    const names = Array.from({ length: TYPES_PER_STREAM }, (_, at) => `Event${first + at}`);
    lines.push(`export const stream${first} = stream("stream-${first}", { ${names.join(", ")} });`);
  }
  lines.push("// @ts-expect-error the generated types are really checked", "Event0({ id: 1 });");
  return `${lines.join("\n")}\n`;
}

function configuration(): object {
  return { extends: "../../tsconfig.json", include: ["contract.ts"] };
}
