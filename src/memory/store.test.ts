import { test } from "node:test";
import { runStoreConformance } from "../conformance/store-conformance.ts";
import type { StorePlace } from "../conformance/store-case.ts";
import { createTestEnvironment } from "../testing/environment.ts";
import { memoryStore } from "./store.ts";

const idWindow = { count: 20, ms: 60_000 };

async function open(): Promise<StorePlace> {
  const environment = createTestEnvironment();
  const factory = memoryStore({ idWindow });
  const openStore = () => factory.open({ service: "shop", environment });
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
    },
    openBeside: openStore,
    [Symbol.asyncDispose]: () => store.close(),
  };
}

await runStoreConformance({
  name: "memory",
  test: (title, run, options) => test(title, options, (t) => run((text) => t.diagnostic(text))),
  open,
});
