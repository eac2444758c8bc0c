/** The whole shop on virtual time: every customer, both processes, and the books afterwards. */

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { openScenario, type Scenario } from "millrace/testing";
import { audit } from "./audit.ts";
import { cartId, visit } from "./customers.ts";
import { bank, books } from "./outside/bank.ts";
import { scores } from "./outside/scoring.ts";
import { customers } from "./services/accounts.ts";
import { uploads } from "./services/files.ts";
import { orderList } from "./services/orders.ts";
import { shopServices, type OrderProcess } from "./shop.ts";

const CUSTOMERS = 120;
const PROCESSES: readonly OrderProcess[] = ["orchestrated", "choreographed"];

beforeEach(() => {
  books.clear();
  scores.clear();
});

async function soundBooks(shop: Scenario): Promise<Readonly<Record<string, number>>> {
  await shop.settled();
  const { counts, problems } = await shop.until(audit(shop.app));
  assert.deepEqual(problems, []);
  return counts;
}

async function endStates(shop: Scenario): Promise<ReadonlyMap<string, string>> {
  const { documents } = await shop.find(orderList, { limit: 1000 });
  return new Map(documents.map(({ id, data }) => [id, data.status]));
}

/** Runs all customers through a shop and returns how their orders ended. */
async function serve(process: OrderProcess): Promise<ReadonlyMap<string, string>> {
  await using shop = await openScenario({ services: shopServices(process) });
  const visits = Array.from({ length: CUSTOMERS }, (_, number) => visit(shop.app, number));
  await shop.until(Promise.all(visits));
  const { orders, completed, cancelled } = await soundBooks(shop);
  assert.equal(orders, completed! + cancelled!);
  assert.ok(completed! > 70 && cancelled! > 8, `${completed} completed, ${cancelled} cancelled`);
  const flagged = await shop.find(customers, { where: { standing: "flagged" } });
  assert.equal(flagged.documents.length, 9);
  assert.equal((await shop.find(uploads)).documents.length, 24);
  return endStates(shop);
}

// proves: choreography
test("with a centre and without, every order of every customer ends the same, and the books add up", async () => {
  const orchestrated = await serve("orchestrated");
  books.clear();
  scores.clear();
  const choreographed = await serve("choreographed");
  assert.deepEqual(choreographed, orchestrated);
});

for (const process of PROCESSES) {
  test(`${process}: an order that is not paid in time is cancelled, and what was taken late is given back`, async () => {
    await using shop = await openScenario({ services: shopServices(process) });
    books.down = true;
    await visit(shop, 1);
    await shop.pass("29s");
    assert.equal((await shop.get(orderList, cartId(1)))?.status, "started");
    await shop.pass("5m");
    books.down = false;
    const { cancelled } = await soundBooks(shop);
    assert.equal(cancelled, 1);
  });

  test(`${process}: a bank that is out for a while delays orders and loses none`, async () => {
    await using shop = await openScenario({ services: shopServices(process) });
    books.down = true;
    for (const number of [0, 1, 2]) await visit(shop, number);
    await shop.pass("10s");
    books.down = false;
    const { completed, movements } = await soundBooks(shop);
    assert.deepEqual([completed, movements], [3, 3]);
  });
}

test("the bank answers a repeated call without moving anything", async () => {
  const how = { idempotencyKey: "k", signal: new AbortController().signal };
  const wish = { orderId: "o", customerId: "c", amountCents: 5 };
  assert.deepEqual(await bank.charge(wish, how), await bank.charge(wish, how));
  assert.deepEqual([books.count, books.answers.length], [2, 1]);
});
