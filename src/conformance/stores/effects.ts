/** The effect journal: the first answer of the outside world stays until it is trimmed. */

import assert from "node:assert/strict";
import type { Store, StoredEffect } from "../../store/store.ts";
import type { EffectWrite } from "../../store/write-set.ts";
import { refusal, type Fault } from "../broker-case.ts";
import { compareLists } from "../case.ts";
import { statusesOf, type StoreContext, type StoreTopic } from "../store-case.ts";
import {
  applyInput,
  applySets,
  COLLECTION,
  document,
  finishing,
  incoming,
  input,
  set,
  withCollection,
  writing,
} from "./sets.ts";

function effect(
  message: string,
  name: string,
  { consumer = "refunds", answer = name, atMs = 1000 } = {},
): EffectWrite {
  return { consumer, message, name, json: JSON.stringify({ answer }), atMs };
}

function record(store: Store, ...effects: readonly EffectWrite[]): ReturnType<Store["apply"]> {
  return applySets(store, set("effects", { effects }));
}

/** `name json` of what is recorded for one message. */
async function answersOf(store: Store, message: string, consumer = "refunds"): Promise<string[]> {
  const found = (await store.readEffects(consumer, [message])).get(message);
  return (found ?? []).map(({ name, json }) => `${name} ${json}`);
}

const keeps = (fault: Fault) => async (context: StoreContext) => {
  const jsons = ["null", `"🚀 é \\u0000"`, `{"a":[1,2.5,true]}`, `"${"x".repeat(100_000)}"`, "0"];
  const written = jsons.map((json, index) => ({
    ...effect(`m${index % 2}`, `call-${9 - index}`, { atMs: 1000.5 + index }),
    json,
  }));
  for (const one of written) await record(context.store(), one);
  await context.suffer(fault);
  const found = await context.store().readEffects("refunds", ["m1", "nobody", "m0"]);
  assert.deepEqual([...found.keys()].toSorted(), ["m0", "m1"]);
  const expected = (message: string): StoredEffect[] =>
    written
      .filter((one) => one.message === message)
      .map(({ name, json, atMs }) => ({ message, name, json, atMs }));
  for (const message of ["m0", "m1"]) {
    compareLists(context.note, message, found.get(message) ?? [], expected(message));
  }
};

export const effects: StoreTopic = {
  topic: "effects",
  cases: [
    {
      title: "answers come back by message, in the order of recording, after a restart",
      needs: ["restart"],
      run: keeps("restart"),
    },
    {
      title: "answers come back by message, in the order of recording, after a kill",
      needs: ["kill"],
      run: keeps("kill"),
    },
    {
      title: "the first answer stays, whether another comes in its set, its batch or later",
      run: async (context) => {
        const store = context.store();
        const answered = (answer: string): EffectWrite => effect("m", "pay", { answer });
        const outcome = await applySets(
          store,
          set("one", { effects: [answered("first"), answered("second")] }),
          set("two", { effects: [answered("third"), effect("m", "mail")] }),
        );
        assert.equal(statusesOf(outcome), "one applied, two applied");
        assert.equal(statusesOf(await record(store, answered("fourth"))), "effects applied");
        compareLists(context.note, "answers", await answersOf(store, "m"), [
          `pay {"answer":"first"}`,
          `mail {"answer":"mail"}`,
        ]);
      },
    },
    {
      title: "consumers and messages are apart",
      run: async (context) => {
        const store = context.store();
        await record(
          store,
          effect("m", "pay", { answer: "a" }),
          effect("m2", "pay", { answer: "b" }),
          effect("m", "pay", { consumer: "other", answer: "c" }),
        );
        const answers = [
          await answersOf(store, "m"),
          await answersOf(store, "m2"),
          await answersOf(store, "m", "other"),
        ];
        compareLists(context.note, "answers", answers.flat(), [
          `pay {"answer":"a"}`,
          `pay {"answer":"b"}`,
          `pay {"answer":"c"}`,
        ]);
        assert.equal((await store.readEffects("nobody", ["m"])).size, 0);
        assert.equal((await store.readEffects("refunds", [])).size, 0);
      },
    },
    {
      title: "a set that is left out records nothing",
      run: async (context) => {
        const store = await withCollection(context.store());
        const conflict = set("conflict", {
          documents: [document("d", 7, {})],
          effects: [effect("m", "pay")],
        });
        assert.equal(statusesOf(await applySets(store, conflict)), "conflict conflict");
        await applyInput(store, input(), finishing("first", 0));
        const repeat = { ...finishing("again", 0), effects: [effect("m", "pay")] };
        assert.equal(statusesOf(await applyInput(store, input(), repeat)), "again duplicate");
        assert.deepEqual(await answersOf(store, "m"), []);
      },
    },
    {
      title: "an answer may be recorded while its message stays open",
      run: async (context) => {
        const store = await withCollection(context.store());
        const open = incoming(0, "m");
        const early = set("early", { effects: [effect("m", "pay")] });
        const outcome = await applyInput(store, input({ unfinished: [open] }), early);
        assert.equal(statusesOf(outcome), "early applied");
        assert.equal(outcome.position, 0);
        const later = writing("later", { finishes: [open], effects: [effect("m", "mail")] });
        assert.equal(statusesOf(await applyInput(store, input(), later)), "later applied");
        assert.equal((await answersOf(store, "m")).length, 2);
        assert.equal(await store.countDocuments(COLLECTION), 1);
      },
    },
    {
      title: "trimming takes the oldest first, and no more than it is told to",
      run: async (context) => {
        const store = context.store();
        const ages = [5, 3, 4, 1, 2];
        await record(store, ...ages.map((atMs) => effect("m", `at-${atMs}`, { atMs })));
        assert.equal(await store.trimEffects(5, 3), 3);
        const left = (await store.readEffects("refunds", ["m"])).get("m") ?? [];
        assert.deepEqual(
          left.map(({ name }) => name),
          ["at-5", "at-4"],
        );
        assert.equal(await store.trimEffects(5, 3), 1);
        assert.equal(await store.trimEffects(5, 3), 0);
      },
    },
    {
      title: "trimming forgets the answers from before the moment, of every consumer",
      run: async (context) => {
        const store = context.store();
        await record(
          store,
          effect("m", "old", { atMs: 999.5 }),
          effect("m", "kept", { atMs: 1000 }),
          effect("m", "older", { consumer: "other", atMs: 1 }),
        );
        assert.equal(await store.trimEffects(1), 0);
        assert.equal(await store.trimEffects(1000), 2);
        assert.equal(await store.trimEffects(1000), 0);
        assert.deepEqual(await answersOf(store, "m"), [`kept {"answer":"kept"}`]);
        assert.deepEqual(await answersOf(store, "m", "other"), []);
        await record(store, effect("m", "old", { answer: "anew" }));
        assert.deepEqual(await answersOf(store, "m"), [
          `kept {"answer":"kept"}`,
          `old {"answer":"anew"}`,
        ]);
      },
    },
    {
      title: "names, moments and sizes of answers are checked before anything is written",
      run: async (context) => {
        const store = context.store();
        const long = "x".repeat(1025);
        const megabyte = 1024 * 1024;
        for (const [code, refused] of [
          ["TOO_LARGE", effect(long, "pay")],
          ["TOO_LARGE", effect("m", long)],
          ["BAD_ARGUMENT", effect("m", "half \uD800")],
          ["BAD_ARGUMENT", effect("m", "pay", { atMs: NaN })],
          ["TOO_LARGE", { ...effect("m", "pay"), json: `"${"x".repeat(megabyte - 1)}"` }],
          ["TOO_LARGE", { ...effect("m", "pay"), json: `"${"é".repeat(megabyte / 2)}"` }],
        ] as const) {
          const error = await refusal(() => record(store, effect("m", "mail"), refused), code);
          assert.equal(error.details["key"], "effects");
        }
        assert.deepEqual(await answersOf(store, "m"), []);
        const json = `"${"x".repeat(megabyte - 2)}"`;
        await record(store, { ...effect("m", "large"), json });
        assert.deepEqual(await answersOf(store, "m"), [`large ${json}`]);
      },
    },
  ],
};
