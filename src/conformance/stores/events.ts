/** Events: one order for the whole store, one for each entity, and the expected version. */

import assert from "node:assert/strict";
import type { Store } from "../../store/store.ts";
import { refusal } from "../broker-case.ts";
import { compareLists } from "../case.ts";
import { message, plain, textOf } from "../messages.ts";
import { peculiarMessages } from "../peculiar.ts";
import { statusesOf, type StoreTopic } from "../store-case.ts";
import { applyInput, applySets, finishing, input, set } from "./sets.ts";

function append(
  store: Store,
  entity: string,
  expected: number,
  ...texts: readonly string[]
): ReturnType<Store["apply"]> {
  const events = texts.map((text) => message(text, { key: entity }));
  return applySets(store, set(entity, { events: [{ entity, expected, events }] }));
}

export const events: StoreTopic = {
  topic: "events",
  cases: [
    {
      title: "events are read by entity with their versions, and all in the order of their commits",
      run: async (context) => {
        const store = context.store();
        await append(store, "o1", 0, "o1-a", "o1-b");
        await append(store, "o2", 0, "o2-a");
        await append(store, "o1", 2, "o1-c");
        const all = await store.readEvents();
        compareLists(
          context.note,
          "all",
          all.map((event) => [event.sequence, event.entity, event.version, textOf(event.message)]),
          [
            [1, "o1", 1, "o1-a"],
            [2, "o1", 2, "o1-b"],
            [3, "o2", 1, "o2-a"],
            [4, "o1", 3, "o1-c"],
          ],
        );
        const one = await store.readEntity("o1");
        assert.deepEqual(
          one.map(({ sequence, version }) => [sequence, version]),
          [
            [1, 1],
            [2, 2],
            [4, 3],
          ],
        );
        assert.deepEqual(await store.readEntity("nobody"), []);
      },
    },
    {
      title: "an entity that has moved on takes no event, and no sequence is lost",
      run: async (context) => {
        const store = context.store();
        await append(store, "o1", 0, "a", "b");
        assert.equal(statusesOf(await append(store, "o1", 1, "late")), "o1 conflict");
        assert.equal(statusesOf(await append(store, "o1", 3, "early")), "o1 conflict");
        await append(store, "o1", 2, "c");
        const all = await store.readEvents();
        assert.deepEqual(
          all.map((event) => [event.sequence, textOf(event.message)]),
          [
            [1, "a"],
            [2, "b"],
            [3, "c"],
          ],
        );
      },
    },
    {
      title: "reading goes on after a sequence or a version, by pages",
      run: async (context) => {
        const store = context.store();
        for (let index = 0; index < 40; index++) {
          await append(store, `e${index % 4}`, Math.floor(index / 4), `m${index}`);
        }
        const read: string[] = [];
        for (let after = 0; ;) {
          const page = await store.readEvents({ after, limit: 7 });
          read.push(...page.map((event) => textOf(event.message)));
          const last = page.at(-1);
          if (last === undefined) break;
          assert.equal(last.sequence, after + page.length, "sequences have no gaps");
          after = last.sequence;
        }
        const sent = Array.from({ length: 40 }, (_, index) => `m${index}`);
        compareLists(context.note, "events", read, sent);
        for (const after of [40, 41, 1000]) {
          assert.deepEqual(await store.readEvents({ after }), []);
          assert.deepEqual(await store.readEntity("e1", { after }), []);
        }
        const tail = await store.readEntity("e1", { after: 8 });
        assert.deepEqual(
          tail.map(({ version }) => version),
          [9, 10],
        );
      },
    },
    {
      title: "events of many sizes in one commit are read from any of them on",
      run: async (context) => {
        const store = context.store();
        const texts = Array.from({ length: 300 }, (_, index) =>
          `${index}:`.padEnd((index * 97) % 2000, "x"),
        );
        const sets = [0, 1, 2].map((part) => {
          const events = texts.slice(part * 100, part * 100 + 100).map((text) => message(text));
          const entity = `e${part % 2}`;
          return set(`${part}`, { events: [{ entity, expected: part === 2 ? 100 : 0, events }] });
        });
        assert.equal(
          statusesOf(await applySets(store, ...sets)),
          "0 applied, 1 applied, 2 applied",
        );
        for (const [after, limit] of [
          [0, 300],
          [0, 1],
          [99, 2],
          [150, 100],
          [299, 50],
        ] as const) {
          const read = await store.readEvents({ after, limit });
          const expected = texts.slice(after, after + limit);
          compareLists(
            context.note,
            `after ${after}`,
            read.map((event) => textOf(event.message)),
            expected,
          );
          assert.equal(read[0]?.sequence, after + 1);
        }
        const one = await store.readEntity("e0", { after: 98, limit: 4 });
        compareLists(
          context.note,
          "one entity",
          one.map((event) => [event.version, event.sequence, textOf(event.message)]),
          [99, 100, 201, 202].map((sequence, index) => [99 + index, sequence, texts[sequence - 1]]),
        );
      },
    },
    {
      title: "a batch is told the sequences of its events, in the order of the sets that applied",
      needs: ["restart"],
      run: async (context) => {
        const none = await applyInput(context.store(), input(), finishing("none", 0));
        assert.equal("events" in none, false);
        const first = await append(context.store(), "o1", 0, "a", "b");
        assert.deepEqual(first.events, { from: 1, to: 3 });
        await context.suffer("restart");
        const store = context.store();
        const write = (key: string, entity: string, expected: number, ...texts: string[]) =>
          set(key, { events: [{ entity, expected, events: texts.map((text) => message(text)) }] });
        const outcome = await applySets(
          store,
          write("late", "o1", 0, "never"),
          write("two", "o2", 0, "c"),
          set("three", { events: [{ entity: "o3", expected: 0, events: [] }] }),
          write("one", "o1", 2, "d", "e"),
        );
        assert.equal(statusesOf(outcome), "late conflict, two applied, three applied, one applied");
        assert.deepEqual(outcome.events, { from: 3, to: 6 });
        const told = await store.readEvents({ after: 2 });
        compareLists(
          context.note,
          "events",
          told.map((event) => `${event.sequence} ${textOf(event.message)}`),
          ["3 c", "4 d", "5 e"],
        );
        assert.equal("events" in (await append(store, "o1", 0, "conflict")), false);
        assert.equal("events" in (await append(store, "o4", 0)), false);
      },
    },
    {
      title: "the newest event of the store has the last sequence",
      needs: ["restart"],
      run: async (context) => {
        assert.equal(await context.store().lastEvent(), 0);
        await append(context.store(), "o1", 0, "a", "b");
        assert.equal(await context.store().lastEvent(), 2);
        await append(context.store(), "o1", 0, "conflict");
        assert.equal(await context.store().lastEvent(), 2);
        await context.suffer("restart");
        assert.equal(await context.store().lastEvent(), 2);
        await append(context.store(), "o2", 0, "c");
        assert.equal(await context.store().lastEvent(), 3);
      },
    },
    {
      title: "several entities are read at once, each from where it is asked, a thousand of each",
      run: async (context) => {
        const store = context.store();
        const many = Array.from({ length: 1005 }, (_, index) => `m${index}`);
        await append(store, "o1", 0, "a", "b");
        await append(store, "many", 0, ...many);
        await append(store, "o2", 0, "c");
        await append(store, "o1", 2, "d");
        const read = await store.readEntities([
          { entity: "o2" },
          { entity: "o1", after: 1 },
          { entity: "many", after: 2 },
          { entity: "done", after: 0 },
          { entity: "nobody" },
        ]);
        assert.deepEqual([...read.keys()].toSorted(), ["many", "o1", "o2"]);
        for (const entity of ["o1", "o2"]) {
          const after = entity === "o1" ? 1 : 0;
          assert.deepEqual(read.get(entity), await store.readEntity(entity, { after }), entity);
        }
        compareLists(
          context.note,
          "many",
          (read.get("many") ?? []).map((event) => `${event.version} ${textOf(event.message)}`),
          many.slice(2, 1002).map((text, index) => `${index + 3} ${text}`),
        );
        assert.equal((await store.readEntities([{ entity: "o1", after: 3 }])).size, 0);
        assert.equal((await store.readEntities([])).size, 0);
        for (const after of [-1, 0.5, NaN]) {
          await refusal(() => store.readEntities([{ entity: "o1", after }]), "BAD_ARGUMENT");
        }
      },
    },
    {
      title: "a peculiar message comes back as it was",
      run: async (context) => {
        const store = context.store();
        const sent = peculiarMessages();
        await applySets(store, set("a", { events: [{ entity: "e", expected: 0, events: sent }] }));
        const read = await store.readEvents();
        compareLists(
          context.note,
          "messages",
          read.map((event) => plain(event.message)),
          sent.map(plain),
        );
      },
    },
  ],
};
