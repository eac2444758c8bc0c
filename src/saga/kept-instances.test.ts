/** Instances are kept in memory between messages, and a kept one is never believed too long. */

import assert from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import { MillraceError } from "../model/errors.ts";
import { queue, stream } from "../schema/channel.ts";
import { command, event } from "../schema/message-type.ts";
import { consumer } from "../service/consumer/consumer.ts";
import { service } from "../service/service.ts";
import type { Store } from "../store/store.ts";
import type { Batch } from "../store/write-set.ts";
import { openTestService, type TestPorts } from "../testing/test-service.ts";
import { step } from "./actions.ts";
import { saga } from "./saga.ts";

const order = z.object({ id: z.string() });
const key = (data: { readonly id: string }): string => data.id;
const Placed = event("order.placed", order, { key });
const Seen = event("order.seen", order, { key });
const Take = command("payment.take", order, { key });
const orders = stream("orders", { Placed, Seen }, { partitions: 1 });
const desk = queue("desk", { Take });
const COLLECTION = "saga.process";

const process = saga("process", { from: orders, sends: desk, initial: { seen: 0 } })
  .evolve({ Seen: (state) => ({ ...state, seen: state.seen + 1 }) })
  .react({ Placed: (e) => step(Take(e)) })
  .answers({ Take: () => [] });
const clerk = consumer("clerk", { from: desk }).handle({ Take: () => undefined });
const shop = service("shop", { process, clerk });

/** The ports with some methods of the store replaced. */
function replaced(make: (store: Store) => Partial<Store>): (ports: TestPorts) => TestPorts {
  return ({ broker, store }) => {
    const others: Partial<Store> = make(store);
    const get = (target: Store, name: keyof Store): unknown => {
      const member: unknown = others[name] ?? target[name];
      return typeof member === "function" ? member.bind(target) : member;
    };
    return { broker, store: new Proxy(store, { get }) };
  };
}

test("an instance is read from the store once, however many messages come for it", async () => {
  let reads = 0;
  const wrap = replaced((store) => ({
    getDocuments: (collection, ids) => {
      if (collection === COLLECTION) reads++;
      return store.getDocuments(collection, ids);
    },
  }));
  await using stage = await openTestService({ service: shop, wrap });
  for (let n = 0; n < 5; n++) {
    await stage.publish(Seen({ id: "o1" }));
    await stage.settled();
  }
  assert.equal(reads, 1);
  const detail = await stage.until(stage.running.showSaga("process", "o1"));
  assert.match(detail.stateJson, /"seen":5/);
});

test("an answer is not passed over because the commit of its step was in doubt", async () => {
  let doubts = 0;
  const wrap = replaced((store) => ({
    // The commit that sends the step succeeds, and nobody hears of it for a while.
    apply: async (batch: Batch) => {
      const outcome = await store.apply(batch);
      const sends = batch.sets.some(({ outgoing = [] }) => outgoing.length > 0);
      if (sends && doubts++ === 0) {
        throw new MillraceError("STORE_FAILED", "the connection was lost", { retryable: true });
      }
      return outcome;
    },
  }));
  await using stage = await openTestService({ service: shop, wrap });
  await stage.publish(Seen({ id: "o1" }));
  await stage.settled();
  await stage.publish(Placed({ id: "o1" }));
  await stage.settled();
  assert.ok(doubts > 1);
  const { steps } = await stage.until(stage.running.showSaga("process", "o1"));
  assert.deepEqual(
    steps.map(({ state }) => state),
    ["done"],
  );
});
