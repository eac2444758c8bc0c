/**
 * A saga and its worker, killed: a process that in one commit, publish or acknowledgement is gone
 * with everything that it knew, and another that takes over the same store and broker. What it leaves
 * is in memory, or the files as they are when all that was under way has ended and nothing was closed.
 */

import assert from "node:assert/strict";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as z from "zod";
import { decodeEnvelope } from "../codecs/cloudevents-reader.ts";
import { embedded } from "../embedded/embedded.ts";
import { memoryBroker } from "../memory/broker.ts";
import { memoryStore } from "../memory/store.ts";
import { delay } from "../model/clock.ts";
import { MillraceError } from "../model/errors.ts";
import type { RawMessage } from "../model/message.ts";
import { queue, stream } from "../schema/channel.ts";
import { command, event, timer } from "../schema/message-type.ts";
import { reject } from "../service/ask/answer.ts";
import { consumer } from "../service/consumer/consumer.ts";
import { document } from "../service/consumer/document.ts";
import { service } from "../service/service.ts";
import { sqlite } from "../stores/sqlite/sqlite.ts";
import { createTestEnvironment } from "../testing/environment.ts";
import { realIo } from "../testing/real-io.ts";
import {
  openTestService,
  type TestPorts,
  type TestServiceOptions,
} from "../testing/test-service.ts";
import { abort, after, end, step } from "./actions.ts";
import { saga } from "./saga.ts";

const order = z.object({ id: z.string() });
const byId = { key: (data: { readonly id: string }) => data.id };
const Placed = event("placed", order, byId);
const Take = command("take", order, byId);
const Give = command("give", order, byId);
const Reserve = command("reserve", order, byId);
const Release = command("release", order, byId);
const Ship = command("ship", order, { ...byId, refuses: ["no-ship"] });
const Thank = command("thank", order, byId);
const Ask = command("ask", order, byId);
const Unask = command("unask", order, byId);
const ThankDue = timer("thank.due", order);
const orders = stream("orders", { Placed }, { partitions: 1 });
const work = queue(
  "work",
  { Take, Give, Reserve, Release, Ship, Thank, Unask },
  { attempts: 50, lease: "5s" },
);
/** Nobody answers here. */
const deaf = queue("deaf", { Ask });

const process = saga("process", {
  from: orders,
  sends: [work, deaf],
  timers: { ThankDue },
  initial: { thanked: false },
})
  .evolve({ ThankDue: () => ({ thanked: true }) })
  .react({
    Placed: (e) => step(Take(e), { undo: Give(e) }),
    ThankDue: (e) => [Thank(e), end()],
  })
  .answers({
    Take: (_, __, { instance: id }) =>
      id === "deaf"
        ? step(Ask({ id }), { undo: Unask({ id }), deadline: "3s" })
        : step(Reserve({ id }), { undo: Release({ id }), deadline: "1h" }),
    Reserve: (_, __, { instance: id }) => step(Ship({ id })),
    Ship: (answer, _, { instance: id }) =>
      answer.ok ? after("3s", ThankDue({ id })) : abort(answer.refusal.code),
  });

/** The idempotency keys of all letters that were sent: outside, so no kill takes them back. */
const letters: string[] = [];
/** Every command that was done, in order, by order. */
const ledger = document<{ readonly done: readonly string[] }>("ledger");
const worker = consumer("worker", { from: work, docs: { ledger } }).handle({
  Take: (c, { docs }) => note(docs.ledger, c.id, "take"),
  Give: (c, { docs }) => note(docs.ledger, c.id, "give"),
  Reserve: (c, { docs }) => note(docs.ledger, c.id, "reserve"),
  Release: (c, { docs }) => note(docs.ledger, c.id, "release"),
  Thank: async (c, { docs, effect }) => {
    await effect("letter", ({ idempotencyKey }) => {
      letters.push(idempotencyKey);
      return Promise.resolve("sent");
    });
    await note(docs.ledger, c.id, "thank");
  },
  Unask: (c, { docs }) => note(docs.ledger, c.id, "unask"),
  Ship: (c, { docs }) => (c.id === "refused" ? reject("no-ship") : note(docs.ledger, c.id, "ship")),
});

async function note(
  docs: {
    get(id: string): Promise<{ readonly done: readonly string[] } | undefined>;
    put(id: string, data: { readonly done: readonly string[] }): void;
  },
  id: string,
  what: string,
): Promise<void> {
  const known = await docs.get(id);
  docs.put(id, { done: [...(known?.done ?? []), what] });
}

const shop = service("shop", { process, worker });
const ENDS: Readonly<Record<string, readonly string[]>> = {
  good: ["take", "reserve", "ship", "thank"],
  refused: ["take", "reserve", "release", "give"],
  deaf: ["take", "unask", "give"],
};

/** What changes something, so that it matters whether the process lives on behind it. */
const CHANGES = new Set(["apply", "trimOutbox", "append", "send", "accept", "leaseLane", "commit"]);

interface Watch {
  /** The names of the calls that changed something, in order. */
  readonly calls: string[];
  underWay: number;
  /** The ids of each command that was sent, by type and order. */
  readonly ids: Map<string, Set<string>>;
}

/** What is done before a call that changes something, by its number. */
type Before = (call: number) => Promise<void>;

/** The call in which the process is killed, and whether what was called for was done all the same. */
export interface Death {
  readonly call: number;
  readonly done: boolean;
}

/** From its death on nothing answers any more. */
function mortal(
  { broker, store }: TestPorts,
  death: Death | undefined,
  watch: Watch,
  before: Before = () => Promise.resolve(),
): TestPorts {
  let dead = false;
  const crash = (): never => {
    throw new MillraceError("CLOSED", "the process is gone");
  };
  const guard = <Port extends object>(port: Port, untouched: readonly string[] = []): Port =>
    new Proxy(port, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== "function") return member;
        // Reading is an iteration, not a call.
        if (untouched.includes(String(name))) return member.bind(target);
        return async (...given: unknown[]): Promise<unknown> => {
          if (dead) crash();
          const call = CHANGES.has(String(name)) ? watch.calls.push(String(name)) - 1 : -1;
          watch.underWay++;
          try {
            if (call >= 0) await before(call);
            const dying = call >= 0 && call === death?.call;
            if (dying && !death?.done) dead = true;
            if (dead) crash();
            const result: unknown = await Reflect.apply(member, target, given);
            if (name === "send") noteIds(given, watch);
            if (dying) dead = true;
            if (dead) crash();
            return result;
          } finally {
            watch.underWay--;
          }
        };
      },
    });
  return {
    broker: { ...broker, streams: guard(broker.streams!, ["read"]), queues: guard(broker.queues!) },
    store: guard(store),
  };
}

function noteIds([queueName, items]: unknown[], { ids }: Watch): void {
  if (queueName !== work.name && queueName !== deaf.name) return;
  // The port's own types were lost on the way through the proxy.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  for (const { message } of items as readonly { readonly message: RawMessage }[]) {
    const { type, key, id } = decodeEnvelope(message, { receivedMs: 0 });
    const name = `${type} of ${key}`;
    ids.set(name, (ids.get(name) ?? new Set()).add(id));
  }
}

type Ports = Required<Pick<TestServiceOptions, "broker" | "store">> &
  Pick<TestServiceOptions, "run">;

/** Where one process is killed and another takes over. */
export interface KillPlace extends AsyncDisposable {
  readonly ports: Ports;
  /** What the next process finds. Nothing is under way in the first one, and nothing of it closed. */
  readonly left: () => Promise<Ports>;
  /** Keeps the store as it is now, and leaves it to the next process: a disk that lost what followed. */
  readonly spoilStore?: () => Promise<void>;
}

export function memoryPlace(): Promise<KillPlace> {
  const ports = { broker: memoryBroker(), store: memoryStore() };
  return Promise.resolve({
    ports,
    left: () => Promise.resolve(ports),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
}

/** The embedded broker and SQLite on files of their own. */
export async function diskPlace(): Promise<KillPlace> {
  const root = await mkdtemp(join(tmpdir(), "millrace-killed-"));
  const portsIn = (life: string): Ports => ({
    broker: embedded({ directory: join(root, life, "broker") }),
    store: sqlite({ directory: join(root, life, "stores") }),
    run: { io: realIo },
  });
  const copy = (from: string, to: string): Promise<void> =>
    cp(join(root, from), join(root, to), { recursive: true });
  let stores = "first/stores";
  return {
    ports: portsIn("first"),
    // The lock and the database are open: a copy is what a kill would leave of both.
    left: async () => {
      await copy("first/broker", "second/broker");
      await copy(stores, "second/stores");
      return portsIn("second");
    },
    spoilStore: async () => {
      await copy("first/stores", "spoiled");
      stores = "spoiled";
    },
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  };
}

export interface KilledRun {
  /** What the first process called to change something. */
  readonly calls: readonly string[];
  readonly died: boolean;
  /** Calls to the outside that were made again, under the key of the first. */
  readonly repeats: number;
}

export interface KillOptions {
  /** The call in which the first process dies; it lives on unless said. */
  readonly death?: Death | undefined;
  /** The number of the call before which the store is kept for the next process: a control. */
  readonly spoiledBefore?: number;
}

/**
 * Runs three orders through the saga in a process that is killed and one that takes over, and demands
 * that all end as if there had been one. Throws where they do not.
 */
export async function runKilled(
  place: KillPlace,
  { death, spoiledBefore }: KillOptions,
): Promise<KilledRun> {
  letters.length = 0;
  const environment = createTestEnvironment();
  const { clock } = environment;
  const watch: Watch = { calls: [], underWay: 0, ids: new Map() };
  const before: Before = async (call) => {
    if (call === spoiledBefore) await place.spoilStore?.();
  };
  const base = { service: shop, environment };
  const first = await openTestService({
    ...base,
    ...place.ports,
    wrap: (ports) => mortal(ports, death, watch, before),
  });
  const pass = (ms: number): Promise<void> => first.until(delay(clock, ms));
  for (const id of Object.keys(ENDS)) {
    await first.publish(Placed({ id }));
    // One after the other, so that their steps share few commits.
    await pass(500);
  }
  await pass(8000);
  while (watch.underWay > 0) await realIo.turn();
  const calls = [...watch.calls];
  const left = await place.left();
  await first.until(first.running.stop({ deadlineMs: 1 })).catch(() => undefined);
  await first.broker.close();
  await first.store.close();

  await using second = await openTestService({
    ...base,
    ...left,
    wrap: (ports) => mortal(ports, undefined, watch),
  });
  // The leases of the one that was killed end by time.
  await second.until(delay(clock, 60_000));
  await second.settled();
  const where = `killed ${death?.done === false ? "before" : "after"} call ${death?.call}`;
  const documents = await second.until(
    second.store.getDocuments("document.ledger", Object.keys(ENDS)),
  );
  for (const [id, done] of Object.entries(ENDS)) {
    assert.deepEqual(JSON.parse(documents.get(id)?.json ?? "null"), { done }, `${id}, ${where}`);
    const { status, timers, openSteps, stateJson } = await second.until(
      second.running.showSaga("process", id),
    );
    assert.deepEqual([status, timers, openSteps], ["ended", [], 0], `${id}, ${where}`);
    assert.equal(stateJson, `{"thanked":${id === "good"}}`, `${id}, ${where}`);
  }
  const twice = [...watch.ids].filter(([, ids]) => ids.size !== 1);
  assert.deepEqual(twice, [], where);
  assert.equal(watch.ids.size, 13, where);
  assert.equal(new Set(letters).size, 1, `one key for ${letters.length} letters, ${where}`);
  assert.deepEqual(await second.until(second.running.listParked("process")), [], where);
  return { calls, died: calls.length > (death?.call ?? Infinity), repeats: letters.length - 1 };
}
