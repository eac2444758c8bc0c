import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryBroker } from "../../memory/broker.ts";
import { memoryStore } from "../../memory/store.ts";
import { MillraceError } from "../../model/errors.ts";
import type { RawMessage } from "../../model/message.ts";
import type { OutgoingMessage } from "../../store/write-set.ts";
import { createTestEnvironment, type TestEnvironment } from "../../testing/environment.ts";
import type { Broker } from "../../broker/broker.ts";
import type { Store } from "../../store/store.ts";
import { Relay } from "./relay.ts";

const LANE = "part/in/0";

interface Stage {
  readonly environment: TestEnvironment;
  readonly broker: Broker;
  readonly store: Store;
  /** Errors that the next appends end with. */
  readonly failures: (MillraceError | "first item only")[];
  readonly relay: () => Relay;
  /** Commits messages as a part's batch would, and hands them to the relay if there is one. */
  readonly commit: (relay: Relay | undefined, count: number) => Promise<void>;
  readonly published: () => Promise<readonly string[]>;
}

async function stage(): Promise<Stage> {
  const environment = createTestEnvironment();
  const broker = await memoryBroker().open(environment);
  const store = await memoryStore().open({ service: "s", environment });
  await broker.streams!.ensureStream({ name: "out", partitions: 1 });
  const failures: Stage["failures"] = [];
  const streams = new Proxy(broker.streams!, {
    get(target, name) {
      if (name !== "append") return Reflect.get(target, name, target);
      return async (stream: string, messages: readonly RawMessage[]) => {
        const failure = failures.shift();
        if (failure === undefined) return target.append(stream, messages);
        if (failure !== "first item only") throw failure;
        const [first] = await target.append(stream, messages.slice(0, 1));
        const error = new MillraceError("DISK_FULL", "the disk is full");
        return messages.map((_, index) => (index === 0 ? first! : { ok: false as const, error }));
      };
    },
  });
  let next = 0;
  return {
    environment,
    broker,
    store,
    failures,
    relay: () =>
      new Relay({ store, streams, queues: undefined, environment, changed: () => undefined }),
    commit: async (relay, count) => {
      const outgoing = Array.from({ length: count }, (): OutgoingMessage => ({
        target: { kind: "stream", name: "out" },
        message: { key: "k", headers: [["n", String(next++)]], value: null },
      }));
      const { sequences } = await store.apply({
        lane: LANE,
        sets: [{ key: "0", finishes: [], outgoing }],
      });
      relay?.committed(LANE, sequences!, outgoing);
    },
    published: async () => {
      const found: string[] = [];
      const options = { partition: 0, from: "earliest" } as const;
      for await (const batch of broker.streams!.read("out", options)) {
        for (const { headers } of batch) {
          const facts = Object.fromEntries(headers);
          found.push(`${String(facts["n"])}@${String(facts["ce_lanesequence"])}`);
        }
      }
      return found;
    },
  };
}

test("messages go out in the order of their commits, each with its place, and the outbox empties", async () => {
  const { environment, relay: create, commit, published, store } = await stage();
  const relay = create();
  await relay.start();
  for (let i = 0; i < 5; i++) await commit(relay, 3);
  await environment.clock.advance(10);
  assert.ok(relay.idle);
  assert.deepEqual(
    await published(),
    Array.from({ length: 15 }, (_, n) => `${n}@${n}`),
  );
  await environment.clock.advance(1000);
  assert.deepEqual(await store.pendingLanes(), []);
});

test("what a former process left is published at the start, before what is committed now", async () => {
  const { environment, relay: create, commit, published } = await stage();
  await commit(undefined, 4);
  const relay = create();
  await relay.start();
  await commit(relay, 2);
  await environment.clock.advance(100);
  assert.deepEqual(await published(), ["0@0", "1@1", "2@2", "3@3", "4@4", "5@5"]);
});

// proves: async-publish
test("a target that fails is tried again from the first failure on, for as long as it takes", async () => {
  const { environment, relay: create, commit, published, failures } = await stage();
  const down = new MillraceError("UNREACHABLE", "the broker does not answer");
  failures.push(...Array.from({ length: 8 }, () => down), "first item only", "first item only");
  const relay = create();
  await commit(relay, 4);
  await environment.clock.advance(1000);
  assert.match(relay.troubleOf(LANE) ?? "", /does not answer/);
  await commit(relay, 2);
  await environment.clock.advance(120_000);
  assert.equal(relay.troubleOf(LANE), undefined);
  assert.deepEqual(await published(), ["0@0", "1@1", "2@2", "3@3", "4@4", "5@5"]);
});

test("a lane full of messages that cannot go out takes no more until they do", async () => {
  const { environment, relay: create, commit, failures } = await stage();
  const relay = create();
  const down = new MillraceError("UNREACHABLE", "the broker does not answer");
  failures.push(...Array.from({ length: 5 }, () => down));
  for (let i = 0; i < 10; i++) await commit(relay, 1000);
  let roomy = false;
  const room = relay.room(LANE).then(() => {
    roomy = true;
  });
  await environment.clock.settle();
  assert.equal(roomy, false);
  await environment.clock.run(room);
  await environment.clock.advance(60_000);
  assert.ok(relay.idle);
});

test("what was published is trimmed beside the next commit, or alone after a moment", async () => {
  const { environment, relay: create, commit, store } = await stage();
  const relay = create();
  await commit(relay, 200);
  await environment.clock.advance(10);
  assert.deepEqual(await store.pendingLanes(), [LANE], "published, and not trimmed yet");
  relay.committing(LANE);
  await environment.clock.settle();
  assert.deepEqual(await store.pendingLanes(), []);

  await commit(relay, 1);
  await environment.clock.advance(10);
  relay.committing(LANE);
  await environment.clock.settle();
  assert.deepEqual(await store.pendingLanes(), [LANE], "one message is not worth it");
  await environment.clock.advance(1000);
  assert.deepEqual(await store.pendingLanes(), []);
});

test("too much that waits holds up the lanes that have some of it, and no other", async () => {
  const { environment, broker, store } = await stage();
  const streams = new Proxy(broker.streams!, {
    get(target, name) {
      if (name === "append") return () => new Promise(() => undefined);
      return Reflect.get(target, name, target);
    },
  });
  const changed = (): void => undefined;
  const relay = new Relay({ store, streams, queues: undefined, environment, changed });
  const commit = (lane: string, from: number, bytes: number): void => {
    const message = { key: "k", headers: [], value: new Uint8Array(bytes) };
    const outgoing: OutgoingMessage = { target: { kind: "stream", name: "out" }, message };
    const messages = Array.from({ length: 128 }, () => outgoing);
    relay.committed(lane, { from, to: from + messages.length }, messages);
  };
  const taken = async (): Promise<void> => {
    await new Promise<void>((resolve) => void setImmediate(resolve));
  };
  const MIB_16 = (16 * 1024 * 1024) / 128;
  commit("stuck", 0, MIB_16);
  await taken();
  commit("stuck", 128, 1);
  const free = new Set<string>();
  for (const lane of ["stuck", "other"]) void relay.room(lane).then(() => free.add(lane));
  await taken();
  assert.deepEqual([...free], ["other"]);
});
