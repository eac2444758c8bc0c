import assert from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import { abort, step } from "../saga/actions.ts";
import { saga } from "../saga/saga.ts";
import { queue, stream } from "../schema/channel.ts";
import { command, event } from "../schema/message-type.ts";
import { createRegistry } from "../schema/registry.ts";
import { reject, reply } from "../service/ask/answer.ts";
import { consumer } from "../service/consumer/consumer.ts";
import { service } from "../service/service.ts";
import { decider } from "../sourcing/decider.ts";
import { view } from "../sourcing/view.ts";
import { openTestService, type TestService } from "../testing/test-service.ts";
import type { Admin } from "./admin.ts";
import { createAdmin } from "./create-admin.ts";

const account = z.object({ account: z.string() });
const amount = account.extend({ cents: z.number().int() });
const key = (data: { readonly account: string }): string => data.account;
const Deposited = event("account.deposited", amount, { key });
const Deposit = command("account.deposit", amount, {
  key,
  refuses: ["too-little"],
  replies: z.object({ cents: z.number() }),
});
const Lock = command("account.lock", account, { key });
const Unlock = command("account.unlock", account, { key, refuses: ["rusty"] });
const desk = queue("desk", { Deposit });
const locks = queue("locks", { Lock, Unlock });
const deposits = stream("deposits", { Deposited }, { partitions: 1 });

const balance = decider("balance", {
  commands: desk,
  events: { Deposited },
  publishes: deposits,
  initial: { cents: 0 },
})
  .evolve({ Deposited: (state, { cents }) => ({ cents: state.cents + cents }) })
  .decide({
    Deposit: (c, state) =>
      c.cents < 1 ? reject("too-little") : reply({ cents: state.cents + c.cents }, Deposited(c)),
  });
const balances = view("balances", { from: deposits, initial: { cents: 0 } }).evolve({
  Deposited: (state, { cents }) => ({ cents: state.cents + cents }),
});
/** Locks an account, then gives up; unlocking is refused, so a person is needed. */
const guard = saga("guard", { from: deposits, sends: locks, initial: { seen: 0 } })
  .evolve({ Deposited: (state) => ({ seen: state.seen + 1 }) })
  .react({
    Deposited: (e) => step(Lock({ account: e.account }), { undo: Unlock({ account: e.account }) }),
  })
  .answers({ Lock: () => abort("suspicious") });

function bank(state: { rusty: boolean }) {
  const locksmith = consumer("locksmith", { from: locks }).handle({
    Lock: async () => undefined,
    Unlock: async () => (state.rusty ? reject("rusty") : undefined),
  });
  return service("bank", { balance, balances, guard, locksmith });
}

function adminOf({ running, broker, environment }: TestService): Admin {
  const { streams, queues } = broker;
  const registry = createRegistry([desk, locks, deposits]);
  return createAdmin({ streams, queues, services: () => [running], registry, environment });
}

const deposit = (id: string, cents: number) => ({
  type: "account.deposit",
  dataJson: `{"account":${JSON.stringify(id)},"cents":${cents}}`,
});

test("a description names the decider whose events a view reads", async () => {
  const history = view("history", { from: balance, initial: { count: 0 } }).evolve({
    Deposited: ({ count }) => ({ count: count + 1 }),
  });
  const told = service("bank", { balance, balances, history });
  await using stage = await openTestService({ service: told });
  const { services } = await stage.until(adminOf(stage).describe());
  const sources = services[0]!.parts.map(({ name, from, readsEventsOf }) => [
    name,
    from.map((channel) => channel.name),
    readsEventsOf,
  ]);
  assert.deepEqual(sources, [
    ["balance", ["desk"], []],
    ["balances", ["deposits"], []],
    ["history", [], ["balance"]],
  ]);
});

test("a command as text is answered, refused, and checked before anybody is asked", async () => {
  await using stage = await openTestService({ service: bank({ rusty: false }) });
  const admin = adminOf(stage);
  const answer = await stage.until(admin.ask({ ...deposit("a", 5), id: "first" }));
  assert.ok(answer.ok);
  assert.equal(answer.replyJson, '{"cents":5}');
  assert.deepEqual(await stage.until(admin.get("balances", "a", { notBefore: answer.token })), {
    id: "a",
    dataJson: '{"cents":5}',
  });
  const again = await stage.until(admin.ask({ ...deposit("a", 5), id: "first" }));
  assert.deepEqual(again.ok && again.replyJson, '{"cents":5}');

  const refused = await stage.until(admin.ask(deposit("a", 0)));
  assert.deepEqual(refused.ok ? undefined : refused.refusal.code, "too-little");
  const wrong = { ...deposit("a", 1), dataJson: '{"account":"a"}' };
  await assert.rejects(stage.until(admin.ask(wrong)), { code: "BAD_PAYLOAD", message: /cents/ });
  const fact = { type: "account.deposited", dataJson: '{"account":"a","cents":1}' };
  await assert.rejects(stage.until(admin.ask(fact)), { code: "BAD_ARGUMENT" });
  await assert.rejects(stage.until(admin.send(fact)), { code: "BAD_ARGUMENT" });

  const sent = await stage.until(admin.send(deposit("a", 7)));
  assert.deepEqual(sent.target, { kind: "queue", name: "desk" });
  await stage.settled();
  assert.equal((await stage.until(admin.get("balances", "a")))?.dataJson, '{"cents":12}');
});

test("a command that nothing here handles says so, and an abort ends the waiting alone", async () => {
  await using stage = await openTestService({ service: bank({ rusty: false }) });
  const admin = adminOf(stage);
  await stage.until(admin.pausePart("bank.balance"));
  await assert.rejects(stage.until(admin.ask(deposit("a", 5))), { code: "UNREACHABLE" });
  await stage.until(admin.resumePart("bank.balance"));
  const left = AbortSignal.abort(new Error("gone"));
  await assert.rejects(stage.until(admin.ask(deposit("a", 5), { signal: left })), /gone/);
});

test("an entity's state is told by its version, its moment, and its full or short name", async () => {
  await using stage = await openTestService({ service: bank({ rusty: false }) });
  const admin = adminOf(stage);
  for (const cents of [1, 2, 4]) await stage.until(admin.ask(deposit("a/b", cents)));
  const now = await stage.until(admin.stateOf("balance/a/b"));
  assert.deepEqual([now.key, now.version, now.newest, now.stateJson], ["a/b", 3, 3, '{"cents":7}']);
  const second = await stage.until(admin.stateOf("bank.balance/a/b", { at: "2" }));
  assert.deepEqual([second.version, second.stateJson], [2, '{"cents":3}']);
  const early = await stage.until(admin.stateOf("balance/a/b", { at: "@2000-01-01" }));
  assert.deepEqual([early.version, early.newest, early.stateJson], [0, 3, '{"cents":0}']);
  await assert.rejects(admin.stateOf("balances/a"), { message: /there is bank\.balance/ });
  await assert.rejects(admin.stateOf("balance"), { message: /write balance\/KEY/ });
  await assert.rejects(admin.stateOf("balance/a", { at: "soon" }), { code: "BAD_ARGUMENT" });
});

test("a stuck saga is listed, shown with its steps, and goes on once it is tried again", async () => {
  const state = { rusty: true };
  await using stage = await openTestService({ service: bank(state) });
  const admin = adminOf(stage);
  for (const id of ["a", "b"]) await stage.until(admin.ask(deposit(id, 5)));
  await stage.settled();
  const { instances } = await stage.until(admin.listSagas({ status: "stuck" }));
  assert.deepEqual(
    instances.map(({ service: of, saga: name, instance }) => [of, name, instance]),
    [
      ["bank", "guard", "a"],
      ["bank", "guard", "b"],
    ],
  );
  const first = await stage.until(admin.listSagas({ limit: 1 }));
  const rest = await stage.until(admin.listSagas({ limit: 1, after: first.next! }));
  assert.deepEqual(
    [first, rest].map((page) => page.instances[0]?.instance),
    ["a", "b"],
  );

  const shown = await stage.until(admin.showSaga("guard", "a"));
  assert.deepEqual([shown.stateJson, shown.steps[0]?.undo], ['{"seen":1}', "account.unlock"]);
  const tried = await stage.until(admin.retrySaga("bank.guard", "a", { dryRun: true }));
  assert.equal(tried.status, "stuck");
  state.rusty = false;
  await stage.until(admin.retrySaga("guard", "a", { by: "ann" }));
  await stage.settled();
  assert.equal((await stage.until(admin.showSaga("guard", "a"))).status, "ended");
  assert.equal((await stage.until(admin.showSaga("guard", "b"))).status, "stuck");
  await assert.rejects(stage.until(admin.retrySaga("guard", "a")), { code: "CONFLICT" });
  await assert.rejects(stage.until(admin.showSaga("gard", "a")), { code: "NOT_FOUND" });
  const entry = stage.environment.entries.find(({ facts }) => facts["action"] === "retry");
  assert.equal(entry?.facts["by"], "ann");
});

test("a view is built anew beside the one that answers, takes over, and the old one is dropped", async () => {
  await using stage = await openTestService({ service: bank({ rusty: false }) });
  const admin = adminOf(stage);
  await stage.until(admin.ask(deposit("a", 5)));
  await stage.settled();
  const before = await stage.until(admin.listViews());
  assert.deepEqual(
    before.map(({ service: of, view: name, generation, state, documents }) => [
      of,
      name,
      generation,
      state,
      documents,
    ]),
    [["bank", "balances", "v1", "live", 1]],
  );
  const planned = await stage.until(admin.rebuildView("balances", { dryRun: true }));
  assert.equal(planned.generation, "v1");
  await stage.until(admin.rebuildView("bank.balances", { by: "ann" }));
  await stage.settled();
  const after = await stage.until(admin.listViews());
  assert.deepEqual(
    after.map(({ generation, state }) => [generation, state]),
    [
      ["v1", "old"],
      ["v1.r1", "live"],
    ],
  );
  assert.equal((await stage.until(admin.get("balances", "a")))?.dataJson, '{"cents":5}');
  await assert.rejects(stage.until(admin.dropView("balances", "v1.r1", { dryRun: true })), {
    code: "NOT_ALLOWED",
  });
  await assert.rejects(stage.until(admin.swapView("balances", { dryRun: true })), {
    code: "BAD_ARGUMENT",
    message: /v1 \(old\), v1\.r1 \(live\)/,
  });
  await stage.until(admin.dropView("balances", "v1"));
  await stage.settled();
  assert.deepEqual(
    (await stage.until(admin.listViews())).map(({ generation }) => generation),
    ["v1.r1"],
  );
});
