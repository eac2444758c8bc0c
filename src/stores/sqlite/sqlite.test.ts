import { copyFile, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, test } from "node:test";
import { runStoreConformance } from "../../conformance/store-conformance.ts";
import type { StorePlace } from "../../conformance/store-case.ts";
import { createTestEnvironment } from "../../testing/environment.ts";
import { sqlite } from "./sqlite.ts";

const idWindow = { count: 20, ms: 60_000 };

async function open(): Promise<StorePlace> {
  const environment = createTestEnvironment();
  const root = await mkdtemp(join(tmpdir(), "millrace-sqlite-"));
  let life = 0;
  const openStore = () =>
    sqlite({ directory: join(root, String(life)), idWindow }).open({
      service: "shop",
      environment,
    });
  let store = await openStore();
  return {
    get store() {
      return store;
    },
    idWindow,
    time: {
      now: () => environment.clock.now(),
      pass: (ms) => environment.clock.advance(ms),
    },
    faults: {
      restart: async () => {
        await store.close();
        store = await openStore();
      },
      // What a killed process leaves is its files as they are: they are taken away while it has them.
      kill: async () => {
        const killed = store;
        const files = await readdir(join(root, String(life)));
        const before = join(root, String(life++));
        await copyInto(
          join(root, String(life)),
          files.map((file) => join(before, file)),
        );
        await killed.close();
        store = await openStore();
      },
    },
    openBeside: openStore,
    [Symbol.asyncDispose]: async () => {
      await store.close();
      await rm(root, { recursive: true });
    },
  };
}

async function copyInto(directory: string, files: readonly string[]): Promise<void> {
  await mkdir(directory);
  for (const file of files) await copyFile(file, join(directory, basename(file)));
}

// Starting a worker takes longer than most cases: the next place is opened while a case runs.
let next = open();
after(async () => (await next)[Symbol.asyncDispose]());

await runStoreConformance({
  name: "sqlite",
  test: (title, run, options) => test(title, options, (t) => run((text) => t.diagnostic(text))),
  open: () => {
    const place = next;
    next = open();
    return place;
  },
});
