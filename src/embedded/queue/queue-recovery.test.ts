import assert from "node:assert/strict";
import { test } from "node:test";
import type { DeadLetter, Lease } from "../../broker/queues.ts";
import { createSeededRandom } from "../../model/ids.ts";
import { valuesOf } from "../../model/outcome.ts";
import {
  message,
  openTestBroker,
  takeGroup,
  type TestBroker,
  textOf,
} from "../broker-stage.test.ts";

/** So small that every run holds back, loads, writes checkpoints, copies forward and trims. */
const limits = {
  readyCount: 6,
  cachedBytes: 1_000_000,
  loadCount: 4,
  checkpointRecords: 12,
  checkpointBytes: 1_000_000,
};
const options = { limits, segmentBytesMax: 4_096 };
const ATTEMPTS = 4;

/** A message as it must be after everything asked so far was answered. */
interface Known {
  readonly text: string;
  attempts: number;
  state: "waiting" | "leased" | "dead";
}

interface Run {
  readonly stage: TestBroker;
  readonly known: Map<number, Known>;
  leases: Lease[];
}

/** Nothing holds a lease any more: an attempt under way counts, the last one kills. */
function forgetLeases({ known }: Run): void {
  for (const entry of known.values()) {
    if (entry.state === "leased") entry.state = entry.attempts >= ATTEMPTS ? "dead" : "waiting";
  }
}

async function compare({ stage, known }: Run, where: string): Promise<number> {
  const info = await stage.queues.describeQueue("q");
  const count = (state: Known["state"]): number =>
    [...known.values()].filter((entry) => entry.state === state).length;
  assert.equal(info.waiting + info.delayed, count("waiting"), `${where}: waiting`);
  assert.equal(info.leased, count("leased"), `${where}: leased`);
  const letters: DeadLetter[] = [];
  for (;;) {
    const after = letters.at(-1)?.sequence;
    const page = await stage.queues.listDeadLetters("q", {
      limit: 3,
      ...(after === undefined ? {} : { after }),
    });
    if (page.length === 0) break;
    letters.push(...page);
  }
  const dead = [...known].filter(([, entry]) => entry.state === "dead");
  assert.deepEqual(
    letters.map(({ sequence, message }) => [sequence, textOf(message)]).toSorted(bySequence),
    dead.map(([sequence, { text }]) => [sequence, text]).toSorted(bySequence),
    `${where}: dead letters`,
  );
  return known.size;
}

function bySequence(a: readonly unknown[], b: readonly unknown[]): number {
  return Number(a[0]) - Number(b[0]);
}

/** Accepts, releases or rejects one of the messages under lease. */
async function settleOne(run: Run, random: () => number): Promise<void> {
  const { known } = run;
  const { queues } = run.stage;
  const [lease] = run.leases.splice(Math.floor(random() * run.leases.length), 1);
  if (lease === undefined) return;
  const entry = known.get(lease.sequence)!;
  const fate = random();
  if (fate < 0.5) {
    valuesOf(await queues.accept([lease]));
    known.delete(lease.sequence);
  } else if (fate < 0.9) {
    const countAttempt = fate < 0.8;
    await queues.release(lease, { countAttempt, ...(fate < 0.6 ? { delayMs: 500 } : {}) });
    entry.state = countAttempt && entry.attempts >= ATTEMPTS ? "dead" : "waiting";
    if (!countAttempt) entry.attempts--;
  } else {
    await queues.reject(lease, { code: "E", message: "rejected" });
    entry.state = "dead";
  }
}

async function step(run: Run, random: () => number): Promise<void> {
  const { stage, known } = run;
  const { queues, environment } = stage;
  const dice = random();
  if (dice < 0.3) {
    const items = Array.from({ length: 1 + Math.floor(random() * 4) }, () => ({
      message: message(`m${Math.floor(random() * 1e9)}`, { key: `k${Math.floor(random() * 5)}` }),
      ...(random() < 0.1 ? { delayMs: 1_000 } : {}),
    }));
    const sent = valuesOf(await queues.send("q", items));
    for (const [index, { sequence }] of sent.entries()) {
      const text = textOf(items[index]!.message);
      known.set(sequence, { text, attempts: 0, state: "waiting" });
    }
  } else if (dice < 0.55) {
    await environment.clock.advance(1_000);
    if ((await queues.describeQueue("q")).waiting === 0) return;
    const receiver = await queues.receive("q", { credit: 1 + Math.floor(random() * 5) });
    const group = receiver[Symbol.asyncIterator]().next();
    await environment.clock.settle();
    await receiver.close();
    for (const lease of (await group).value ?? []) {
      const entry = known.get(lease.sequence)!;
      assert.equal(textOf(lease.message), entry.text);
      assert.equal(lease.attempt, ++entry.attempts);
      entry.state = "leased";
      run.leases.push(lease);
    }
  } else if (dice < 0.85) {
    for (let n = 0; n < 3; n++) await settleOne(run, random);
  } else if (dice < 0.92) {
    const [letter] = [...known].filter(([, { state }]) => state === "dead");
    if (letter === undefined) return;
    const [sequence, entry] = letter;
    if (random() < 0.5) {
      assert.equal(await queues.redriveDeadLetters("q", [sequence]), 1);
      Object.assign(entry, { state: "waiting", attempts: 0 });
    } else {
      assert.equal(await queues.discardDeadLetters("q", [sequence]), 1);
      known.delete(sequence);
    }
  } else {
    await (random() < 0.5 ? stage.crash() : stage.restart());
    run.leases = [];
    forgetLeases(run);
  }
}

for (const keyOrder of [false, true]) {
  test(`a queue ${keyOrder ? "with" : "without"} key order is the same after every crash and checkpoint`, async () => {
    let compared = 0;
    let trimmed = 0;
    for (let seed = 1; seed <= 6; seed++) {
      const random = createSeededRandom(seed);
      await using stage = await openTestBroker(options);
      await stage.queues.ensureQueue({
        name: "q",
        attempts: ATTEMPTS,
        keyOrder,
        leaseMs: 3_600_000,
      });
      const run: Run = { stage, known: new Map(), leases: [] };
      for (let n = 0; n < 200; n++) {
        await step(run, () => random.next());
        compared += await compare(run, `seed ${seed}, step ${n}`);
      }
      const first = [...stage.disk.files.keys()].filter((path) => /queues.*0{20}\.log$/.test(path));
      if (first.length === 0) trimmed++;
      await stage.crash();
      forgetLeases(run);
      await stage.environment.clock.advance(1_000);
      const waiting = [...run.known.values()].filter(({ state }) => state === "waiting");
      const drained: string[] = [];
      while (drained.length < waiting.length) {
        const leases = await takeGroup(stage.queues, "q");
        drained.push(...leases.map((lease) => textOf(lease.message)));
        valuesOf(await stage.queues.accept(leases));
      }
      const expected = waiting.map(({ text }) => text);
      assert.deepEqual(drained.toSorted(), expected.toSorted(), `seed ${seed}`);
      assert.deepEqual(
        stage.environment.entries.filter(({ level }) => level !== "info"),
        [],
      );
    }
    assert.ok(trimmed > 0, "no run trimmed its log");
    assert.ok(compared > 3_000, `${compared} messages compared`);
  });
}
