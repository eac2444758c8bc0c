import assert from "node:assert/strict";
import { test } from "node:test";
import { createSeededRandom } from "../model/ids.ts";
import { type QueueEntry, QueueState } from "./queue-state.ts";

/** The same queue as a plain list, slow and obvious. */
interface ModelEntry {
  readonly sequence: number;
  readonly key: string | null;
  status: "waiting" | "delayed" | "leased" | "dead" | "gone";
  attempts: number;
  readyMs: number;
  endsMs: number;
}

/** With key order: the oldest living entry of each key, unless it is leased or delayed. */
function readyOf(entries: readonly ModelEntry[], keyOrder: boolean, nowMs: number): number[] {
  const blocked = new Set<string>();
  const ready: number[] = [];
  for (const entry of entries) {
    if (entry.status === "dead" || entry.status === "gone") continue;
    const held = keyOrder && entry.key !== null && blocked.has(entry.key);
    if (entry.key !== null) blocked.add(entry.key);
    if (!held && entry.status !== "leased" && entry.readyMs <= nowMs) ready.push(entry.sequence);
  }
  return ready;
}

/**
 * Once a younger message of a key is leased, an older one that is redriven waits for it: the model
 * would lease it at once, so such moments are told apart by their lease.
 */
function withoutLeasedKeys(ready: readonly number[], entries: readonly ModelEntry[]): number[] {
  const leased = new Set(entries.filter(({ status }) => status === "leased").map(({ key }) => key));
  return ready.filter((sequence) => {
    const { key } = entries[sequence]!;
    return key === null || !leased.has(key);
  });
}

for (const keyOrder of [false, true]) {
  test(`a queue ${keyOrder ? "with" : "without"} key order agrees with a plain list at every step`, () => {
    let leases = 0;
    let buried = 0;
    for (let seed = 1; seed <= 40; seed++) {
      const random = createSeededRandom(seed);
      const pick = <Item>(items: readonly Item[]): Item | undefined =>
        items[Math.floor(random.next() * items.length)];
      const state = new QueueState({ attempts: 3, keyOrder });
      const entries: ModelEntry[] = [];
      const held = new Map<number, QueueEntry>();
      let nowMs = 1_000;
      for (let step = 0; step < 400; step++) {
        const where = `seed ${seed}, step ${step}`;
        const dice = random.next();
        if (dice < 0.3) {
          const key = random.next() < 0.2 ? null : `k${Math.floor(random.next() * 4)}`;
          const readyMs = random.next() < 0.2 ? nowMs + Math.floor(random.next() * 50) : 0;
          const sequence = entries.length;
          state.add({ sequence, sentMs: nowMs, key, readyMs }, nowMs);
          entries.push({ sequence, key, status: "waiting", attempts: 0, readyMs, endsMs: 0 });
        } else if (dice < 0.55) {
          state.ripen(nowMs);
          const entry = state.peekReady();
          let ready = readyOf(entries, keyOrder, nowMs);
          if (keyOrder) ready = withoutLeasedKeys(ready, entries);
          assert.equal(entry?.sequence, ready[0], where);
          if (entry === undefined) continue;
          state.take(entry, { token: String(step), endsMs: nowMs + 60 });
          held.set(entry.sequence, entry);
          Object.assign(entries[entry.sequence]!, { status: "leased", endsMs: nowMs + 60 });
          entries[entry.sequence]!.attempts++;
          leases++;
        } else if (dice < 0.85) {
          const entry = pick([...held.values()]);
          if (entry === undefined) continue;
          held.delete(entry.sequence);
          const mirror = entries[entry.sequence]!;
          assert.equal(entry.attempts, mirror.attempts, where);
          const fate = random.next();
          if (fate < 0.4) {
            state.accept(entry);
            mirror.status = "gone";
          } else if (state.exhausted(entry)) {
            state.bury(entry, { deadMs: nowMs, cause: { code: "E", message: "" } });
            mirror.status = "dead";
            buried++;
          } else {
            const readyMs = fate < 0.7 ? 0 : nowMs + 20;
            const countAttempt = fate < 0.9;
            state.release(entry, { readyMs, nowMs, countAttempt });
            Object.assign(mirror, { status: "waiting", readyMs });
            if (!countAttempt) mirror.attempts--;
          }
        } else if (dice < 0.9) {
          const letter = pick([...state.deadLetters()]);
          if (letter === undefined) continue;
          const redrive = random.next() < 0.7;
          if (redrive) state.redrive(letter, nowMs);
          else state.discard(letter);
          Object.assign(
            entries[letter.sequence]!,
            redrive ? { status: "waiting", attempts: 0, readyMs: 0 } : { status: "gone" },
          );
        } else {
          nowMs += Math.floor(random.next() * 30);
          for (const entry of state.takeEnded(nowMs)) {
            assert.ok(entries[entry.sequence]!.endsMs <= nowMs, where);
            held.delete(entry.sequence);
            state.release(entry, { readyMs: 0, nowMs, countAttempt: true });
            Object.assign(entries[entry.sequence]!, { status: "waiting", readyMs: 0 });
          }
          const late = entries.filter(
            ({ status, endsMs }) => status === "leased" && endsMs <= nowMs,
          );
          assert.deepEqual(late, [], where);
        }
        const living = entries.filter(({ status }) => status !== "dead" && status !== "gone");
        assert.equal(state.depth, living.length, where);
        assert.equal(state.count("leased"), held.size, where);
        assert.equal(state.count("dead"), entries.filter(({ status }) => status === "dead").length);
        const counted = state.count("waiting") + state.count("delayed") + state.count("leased");
        assert.equal(counted, living.length, where);
      }
    }
    assert.ok(leases > 1_000 && buried > 100, `${leases} leases, ${buried} buried`);
  });
}

test("a redriven message of a key goes before the younger ones that wait", () => {
  const state = new QueueState({ attempts: 1, keyOrder: true });
  for (const sequence of [0, 1, 2]) state.add({ sequence, sentMs: 0, key: "k", readyMs: 0 }, 0);
  const first = state.peekReady()!;
  state.take(first, { token: "a", endsMs: 1 });
  state.bury(first, { deadMs: 0, cause: { code: "E", message: "" } });
  assert.equal(state.peekReady()!.sequence, 1);
  state.redrive(first, 0);
  assert.equal(state.peekReady()!.sequence, 0);
});

test("adding and leasing do not slow down as messages pile up", () => {
  const state = new QueueState({ attempts: 1, keyOrder: true });
  const perMessageMs = (count: number, from: number): number => {
    const started = process.cpuUsage();
    for (let n = 0; n < count; n++) {
      const entry = { sequence: from + n, sentMs: 0, key: `k${n % 1_000}`, readyMs: 0 };
      state.add(entry, 0);
    }
    for (let n = 0; n < 1_000; n++) {
      const entry = state.peekReady()!;
      state.take(entry, { token: "t", endsMs: 1 });
      state.accept(entry);
    }
    return process.cpuUsage(started).user / 1_000 / count;
  };
  perMessageMs(10_000, 0);
  const small = perMessageMs(20_000, 10_000);
  const large = perMessageMs(160_000, 30_000);
  assert.ok(large < small * 10 + 0.001, `${large} ms a message against ${small}`);
  assert.equal(state.depth, 187_000);
});
