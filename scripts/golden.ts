/**
 * Makes the golden directory of the formats as they are now: `node --conditions=source
 * scripts/golden.ts v4`. It refuses a name that exists, because an old golden directory is the proof
 * that its format can still be read; see docs/upgrades.md.
 */

import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { makeGoldenBroker } from "../test/golden/make-broker.ts";
import { makeGoldenStore } from "../test/golden/make-store.ts";

const [name = ""] = process.argv.slice(2);
const root = join("test", "golden", name);
if (!/^v[1-9][0-9]*$/.test(name)) {
  console.error("name the directory to make: v4, say");
  process.exitCode = 2;
} else if (existsSync(root)) {
  console.error(`${root} exists, and a golden directory is never made again; take the next number`);
  process.exitCode = 5;
} else {
  const broker = await makeGoldenBroker();
  const store = await makeGoldenStore();
  const expected = JSON.stringify({ broker: broker.state, store: store.state }, undefined, 1);
  const files = new Map<string, string | Uint8Array>([
    ["expected.json", `${expected}\n`],
    ["store.db.gz", gzipSync(store.bytes, { level: 9 })],
  ]);
  for (const [path, bytes] of broker.files) files.set(join("broker", path), bytes);
  for (const [path, contents] of files) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), contents);
  }
  console.log(`${root}: ${files.size} files`);
}
