/** Commands through a decider: asked, decided on the entity's state, appended, published, answered. */

import { join } from "node:path";
import { z } from "zod";
import { embedded } from "../src/embedded/embedded.ts";
import {
  command,
  decider,
  event,
  openApp,
  queue,
  reject,
  service,
  stream,
  type App,
} from "../src/index.ts";
import { sqlite } from "../src/stores/sqlite/sqlite.ts";
import type { Benchmark, Case } from "./harness.ts";
import { processorTime, RUN_MS } from "./load.ts";

const KEYS = 1000;

const amount = z.object({ account: z.string(), cents: z.number().int() });
const Deposited = event("bench.deposited", amount, { key: ({ account }) => account });
const Deposit = command("bench.deposit", amount, {
  key: ({ account }) => account,
  refuses: ["too-little"],
});
const desk = queue("deposits", { Deposit });
const moves = stream("moves", { Deposited }, { partitions: 4 });

const account = decider("account", {
  commands: desk,
  events: { Deposited },
  publishes: moves,
  initial: { cents: 0, count: 0 },
})
  .evolve({ Deposited: (s, e) => ({ cents: s.cents + e.cents, count: s.count + 1 }) })
  .decide({ Deposit: (c) => (c.cents > 0 ? Deposited(c) : reject("too-little")) });
const bench = service("bench", { account });

function open(directory: string): Promise<App> {
  return openApp({
    services: [bench],
    broker: embedded({ directory: join(directory, "broker") }),
    store: sqlite({ directory: join(directory, "stores") }),
    log: { level: "error" },
  });
}

/** Each caller asks the next command when the one before is answered. Throws unless all were done. */
async function ask(directory: string, callers: number): Promise<readonly number[]> {
  await using app = await open(directory);
  let asked = 0;
  const caller = async (untilMs: number): Promise<void> => {
    while (performance.now() < untilMs) {
      const answer = await app.ask(Deposit({ account: `account-${asked++ % KEYS}`, cents: 1 }));
      if (!answer.ok) throw new Error(`refused with ${answer.refusal.code}`);
    }
  };
  const all = (forMs: number): Promise<unknown> => {
    const untilMs = performance.now() + forMs;
    return Promise.all(Array.from({ length: callers }, () => caller(untilMs)));
  };
  await all(RUN_MS / 4);
  const before = asked;
  const processor = processorTime();
  const startedMs = performance.now();
  await all(RUN_MS);
  const seconds = (performance.now() - startedMs) / 1000;
  const processorMicroseconds = processor();
  const count = asked - before;
  await app.settled();
  const { partitions } = await app.admin.describeStream("moves");
  const published = partitions.reduce((sum, { end }) => sum + end, 0);
  if (published !== asked) throw new Error(`${published} events were published, not ${asked}`);
  return [count / seconds, processorMicroseconds / count];
}

function asks(callers: number, goal: number): Case {
  const name = `commands through a decider, ${callers === 1 ? "1 caller" : `${callers} callers`}`;
  return {
    figures: [
      { name, unit: "commands/s", goal: { atLeast: goal }, synced: true },
      { name: "the same, processor time", unit: "µs/command" },
    ],
    run: (directory) => ask(directory, callers),
  };
}

export const benchmark: Benchmark = {
  name: "commands",
  cases: [asks(64, 30_000), asks(1, 2000)],
};
