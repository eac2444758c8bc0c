import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { memoryStore } from "../../memory/store.ts";
import { createSeededRandom } from "../../model/ids.ts";
import type { Store } from "../../store/store.ts";
import type {
  Batch,
  EffectWrite,
  Incoming,
  TimerCancel,
  TimerRef,
  TimerWrite,
  WriteSet,
} from "../../store/write-set.ts";
import { createTestEnvironment } from "../../testing/environment.ts";
import { sqlite } from "./sqlite.ts";

const SEED = 20_261_121;
const STEPS = 300;
const IDS = 8;

/** A batch over few names, so that conflicts, repetitions and redrives happen all the time. */
function randomBatch(below: (bound: number) => number, offset: number): Batch {
  const maybe = <Item>(item: () => Item): readonly Item[] => (below(3) === 0 ? [item()] : []);
  const timerRef = (): TimerRef => ({
    consumer: "v",
    instance: `i${below(3)}`,
    name: `t${below(2)}`,
  });
  const timer = (): TimerWrite | TimerCancel => {
    const { name, ...instance } = timerRef();
    const form = below(6);
    if (form === 0) return instance;
    if (form === 1) return { ...instance, name };
    return { ...instance, name, id: `id${below(3)}`, dueMs: below(40) / 4, message };
  };
  const effect = (): EffectWrite => ({
    consumer: "v",
    message: `m${below(IDS)}`,
    name: `n${below(2)}`,
    json: `${below(100)}`,
    atMs: offset,
  });
  const incoming = (): Incoming => {
    if (below(4) === 0) return { timer: timerRef(), id: `id${below(3)}` };
    const at = Math.max(0, offset + below(6) - 3);
    const mark = { source: "s", epoch: 1, lane: `l${below(2)}`, sequence: at };
    return { offset: at, id: `m${at}`, ...(below(2) === 0 ? { mark } : {}) };
  };
  const message = { key: `k${below(4)}`, headers: [], value: Uint8Array.of(below(256)) };
  const retry = below(2) === 0 ? {} : { retryAtMs: below(100) };
  const cause = { kind: "bug", code: "E", message: "m", attempts: below(9), ...retry } as const;
  const set = (_: unknown, index: number): WriteSet => ({
    key: `set-${index}`,
    finishes: Array.from({ length: below(3) }, incoming),
    documents: maybe(() => ({
      collection: "c",
      id: `d${below(IDS)}`,
      expected: below(4),
      json: below(4) === 0 ? null : `{"n":${below(100)}}`,
      indexed: { n: below(100) },
    })),
    events: maybe(() => ({ entity: `e${below(IDS)}`, expected: below(4), events: [message] })),
    timers: Array.from({ length: below(3) }, timer),
    effects: Array.from({ length: below(2) }, effect),
    outgoing: maybe(() => ({ target: { kind: "stream", name: "s" }, message })),
    park: maybe(() => ({
      key: `p${below(3)}`,
      incoming: incoming(),
      message,
      ...(below(2) === 0 ? { cause } : {}),
    })),
    unpark: maybe(() => below(20)),
    repark: maybe(() => ({ row: below(20), cause })),
  });
  return {
    input: {
      consumer: "v",
      input: `s/${below(2)}`,
      epoch: 1,
      log: "log",
      unfinished: [incoming()],
    },
    lane: `lane-${below(2)}`,
    sets: Array.from({ length: 1 + below(4) }, set),
  };
}

/** Everything that can be seen of a store. */
async function stateOf(store: Store): Promise<unknown> {
  const inputs = ["s/0", "s/1"];
  const ids = Array.from({ length: STEPS }, (_, index) => `m${index}`);
  return {
    documents: await store.findDocuments("c", { order: "n", limit: 1000 }),
    count: await store.countDocuments("c"),
    events: await store.readEvents(),
    last: await store.lastEvent(),
    entities: await store.readEntities(
      Array.from({ length: IDS }, (_, index) => ({ entity: `e${index}`, after: index % 3 })),
    ),
    timers: await store.listTimers("v"),
    due: await store.dueTimers("v", { dueMs: 7 }),
    next: await store.nextTimerMs("v"),
    effects: await store.readEffects("v", ids),
    progress: await Promise.all(inputs.map((input) => store.readProgress("v", input))),
    seen: await Promise.all(
      inputs.map(async (input) => [...(await store.seenIds("v", input, ids))]),
    ),
    lanes: await store.pendingLanes(),
    parked: await store.listParked({ limit: 1000 }),
  };
}

test(`memory and SQLite answer ${STEPS} random batches alike (seed ${SEED})`, async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "millrace-agreement-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const environment = createTestEnvironment();
  const idWindow = { count: 50, ms: 10_000 };
  const open = { service: "shop", environment };
  const stores = [
    await memoryStore({ idWindow }).open(open),
    await sqlite({ directory, idWindow }).open(open),
  ];
  for (const store of stores) await store.ensureCollections([{ name: "c", index: ["n"] }]);
  const random = createSeededRandom(SEED);
  const below = (bound: number): number => Math.floor(random.next() * bound);
  const statuses = new Map<string, number>();
  for (let step = 0; step < STEPS; step++) {
    const batch = randomBatch(below, step);
    const [expected, actual] = await Promise.all(stores.map((store) => store.apply(batch)));
    assert.deepEqual(actual, expected, `step ${step}`);
    for (const { status } of expected?.sets ?? []) {
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
    if (below(20) === 0) {
      const rows = [below(20), below(20)];
      const repairs: readonly ((store: Store) => Promise<unknown>)[] = [
        (store) => store.discardParked(rows),
        (store) => store.redriveParked(rows),
        (store) => store.redriveDue("v", "s/0", 50),
        (store) => store.trimEffects(step - 20),
        (store) => store.forgetConsumer(step > STEPS / 2 ? "v" : "nobody"),
      ];
      const repair = repairs[below(repairs.length)]!;
      const [one, other] = await Promise.all(stores.map(repair));
      assert.deepEqual(other, one, `step ${step}`);
    }
    if (step % 30 === 0) {
      const [one, other] = await Promise.all(stores.map(stateOf));
      assert.deepEqual(other, one, `state after step ${step}`);
    }
    await environment.clock.advance(below(500));
  }
  const [one, other] = await Promise.all(stores.map(stateOf));
  assert.deepEqual(other, one);
  for (const store of stores) await store.close();
  for (const status of ["applied", "conflict", "duplicate"]) {
    assert.ok((statuses.get(status) ?? 0) > 20, `${status}: ${statuses.get(status) ?? 0} sets`);
  }
  t.diagnostic(`sets: ${[...statuses].map(([status, count]) => `${count} ${status}`).join(", ")}`);
});
