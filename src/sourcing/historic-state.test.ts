import assert from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import { isMillraceError } from "../model/errors.ts";
import { queue } from "../schema/channel.ts";
import { command, event } from "../schema/message-type.ts";
import { service } from "../service/service.ts";
import { openTestService } from "../testing/test-service.ts";
import { decider } from "./decider.ts";
import { view } from "./view.ts";

const amount = z.object({ account: z.string(), amount: z.number() });
const Deposit = command("account.deposit", amount, { key: (c) => c.account });
const Deposited = event("account.deposited", amount, { key: (e) => e.account });
const Noted = event("account.noted", z.object({ balance: z.number() }));
const desk = queue("desk", { Deposit });

const account = decider("account", {
  commands: desk,
  events: { Deposited, Noted },
  initial: { balance: 0 },
})
  .evolve({ Deposited: (s, e) => ({ balance: s.balance + e.amount }) })
  .decide({ Deposit: (c, s) => [Deposited(c), Noted({ balance: s.balance + c.amount })] });

const balances = view("balances", {
  from: account,
  initial: { balance: 0, events: 0 },
}).evolve({
  Deposited: (s, e) => ({ balance: s.balance + e.amount, events: s.events + 1 }),
  Noted: (s) => ({ ...s, events: s.events + 1 }),
});

// proves: historic-state
test("the state at a version and at a moment is the fold of the events up to it", async () => {
  await using bank = await openTestService({ service: service("bank", { account }) });
  const moments: number[] = [];
  for (let step = 1; step <= 5; step++) {
    await bank.publish(Deposit({ account: "a", amount: step }));
    await bank.settled();
    moments.push(bank.environment.clock.now());
    await bank.environment.clock.advance(60_000);
  }
  const state = (at?: object): Promise<{ readonly state: unknown; readonly version: number }> =>
    bank.running.stateOf("account", "a", at);
  let balance = 0;
  for (let step = 1; step <= 5; step++) {
    balance += step;
    const byTime = await state({ atTimeMs: moments[step - 1] });
    const byVersion = await state({ atVersion: 2 * step });
    assert.deepEqual(byTime, byVersion);
    assert.deepEqual([byTime.version, byTime.state], [2 * step, { balance }]);
  }
  assert.deepEqual((await state({ atTimeMs: 0 })).state, { balance: 0 });
  assert.deepEqual((await state()).version, 10);
  const first = await bank.running.stateOf("account", "a", { atVersion: 1 });
  assert.deepEqual([first.newest, first.last?.type], [10, "account.deposited"]);
  assert.equal((await bank.running.stateOf("account", "nobody")).newest, 0);
});

test("a part without entities has no historic state", async () => {
  await using bank = await openTestService({ service: service("bank", { account, balances }) });
  await assert.rejects(bank.running.stateOf("balances", "a"), (error) =>
    isMillraceError(error, "BAD_ARGUMENT"),
  );
  await assert.rejects(bank.running.stateOf("account", "a", { atVersion: -1 }), /no place/);
});

test("a view of a decider folds its private events, in commit order and as they come", async () => {
  await using bank = await openTestService({ service: service("bank", { account, balances }) });
  for (let step = 1; step <= 4; step++) {
    await bank.publish([
      Deposit({ account: "a", amount: step }),
      Deposit({ account: "b", amount: 10 * step }),
    ]);
    await bank.settled();
  }
  assert.deepEqual(await bank.running.get("balances", "a"), { balance: 10, events: 8 });
  assert.deepEqual(await bank.running.get("balances", "b"), { balance: 100, events: 8 });
  const status = (await bank.running.status()).find(({ name }) => name === "balances");
  const { input, position, end, lag } = status!.inputs[0]!;
  assert.deepEqual(
    { input, position, end, lag },
    { input: "events", position: 17, end: 17, lag: 0 },
  );
});

test("a view of a decider is moved back by a seek, and takes up what a rebuild needs", async () => {
  const last = view("last", { from: account, initial: { amount: 0 }, id: "all" }).evolve({
    Deposited: (s, e) => ({ amount: s.amount + e.amount }),
  });
  await using bank = await openTestService({ service: service("bank", { account, last }) });
  await bank.publish([1, 2, 3].map((each) => Deposit({ account: "a", amount: each })));
  await bank.settled();
  assert.deepEqual(await bank.running.get("last", "all"), { amount: 6 });
  // Of the six events the last deposit is the fifth.
  await bank.until(bank.running.seek("last", "events", 0, 5));
  await bank.settled();
  assert.deepEqual(await bank.running.get("last", "all"), { amount: 9 });
  await bank.until(bank.running.rebuildView("last"));
  await bank.settled();
  assert.deepEqual(await bank.running.get("last", "all"), { amount: 6 });
});
