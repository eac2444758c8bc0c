/* oxlint-disable typescript/no-unsafe-type-assertion -- tests look inside rhea, where its types tell clients less */

import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import type { Action, Rule } from "../../broker/rules.ts";
import type { SignIn } from "../../broker/sign-in.ts";
import { openAmqpStage, type AmqpClient, type AmqpReceiver } from "./amqp-stage.test.ts";

const signIn: SignIn = async ({ user }) => (user === undefined ? undefined : { name: user });

const QUEUE = "sub.shop.billing";
const UNAUTHORIZED = { condition: "amqp:unauthorized-access" };
const LINK = { name: "billing" };

function rule(principal: string, actions: readonly Action[], queue: string): Rule {
  return { principal, actions, resources: { kind: "queue", name: queue } };
}

const RULES: readonly Rule[] = [
  {
    principal: "*",
    actions: ["read", "write", "create"],
    resources: { kind: "stream", name: "*" },
  },
  rule("ann", ["read", "create", "delete"], "sub.shop.*"),
  // Eve has a container of her own, and says that she is Ann's.
  rule("eve", ["read", "create", "delete"], "sub.eve.*"),
  rule("reader", ["read"], QUEUE),
  rule("maker", ["read", "create"], QUEUE),
];

function subscribe(client: AmqpClient, stream = "events"): Promise<AmqpReceiver> {
  const source = { address: `/streams/${stream}`, durable: 2, expiry_policy: "never" };
  return client.receiver(source, LINK);
}

test("a durable subscription is taken, replaced and removed only by whom the rules allow it", async () => {
  await using stage = await openAmqpStage({ signIn, rules: RULES });
  const as = (user: string): Promise<AmqpClient> =>
    stage.connect({ user, password: "any", container: "shop" });
  const ann = await as("ann");
  const held = await subscribe(ann);
  const sender = await ann.sender("/streams/events");
  for (const body of ["one", "two", "three"]) await sender.send({ body });

  const eve = await as("eve");
  await assert.rejects(subscribe(eve), UNAUTHORIZED);
  await assert.rejects(subscribe(eve, "others"), UNAUTHORIZED);
  await assert.rejects(eve.receiver(null, LINK), UNAUTHORIZED);
  await assert.rejects(subscribe(await as("maker"), "others"), UNAUTHORIZED);
  const { message, delivery } = await held.next();
  assert.equal(message.body, "one", "it was not stolen");
  delivery.accept();
  await held.detach();

  const reader = await as("reader");
  const lent = await subscribe(reader);
  const second = await lent.next();
  assert.equal(second.message.body, "two");
  second.delivery.accept();
  const refused = once(lent.link, "receiver_error");
  lent.link.close();
  await refused;
  assert.equal(
    (lent.link.error as unknown as { condition: string }).condition,
    UNAUTHORIZED.condition,
  );

  const again = await ann.receiver(null, LINK);
  assert.equal((await again.next()).message.body, "three");
  await again.close();
  while (stage.engine.queues.queues.has(QUEUE)) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  await assert.rejects(subscribe(reader), UNAUTHORIZED);
  await subscribe(await as("maker"));
});
