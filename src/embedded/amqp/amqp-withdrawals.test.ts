/* oxlint-disable typescript/no-unsafe-type-assertion -- tests look inside rhea, where its types tell clients less */

import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import type { Receiver, Session } from "rhea";
import { AmqpReceiver, openAmqpStage, type AmqpClient } from "./amqp-stage.test.ts";

/** A session whose client takes so many transfers at a time, as a window that the test may move. */
function openNarrow({ connection }: AmqpClient, window: { size: number }): Session {
  const session = connection.create_session();
  const inner = session as unknown as {
    readonly local: { readonly begin: { incoming_window: number } };
    output(performative: { incoming_window?: number }, payload?: Buffer): void;
  };
  inner.local.begin.incoming_window = window.size;
  const output = inner.output.bind(session);
  inner.output = (performative, payload) => {
    if (performative.incoming_window !== undefined) performative.incoming_window = window.size;
    output(performative, payload);
  };
  session.begin();
  return session;
}

async function receiverOf(session: Session, source: string): Promise<AmqpReceiver> {
  const link: Receiver = session.open_receiver({ source, credit_window: 0, autoaccept: false });
  const receiver = new AmqpReceiver(link);
  await once(link, "receiver_open");
  return receiver;
}

/** Resolves when the beginning of a message has come. */
async function partOf({ link }: AmqpReceiver): Promise<void> {
  const inner = link as unknown as { readonly _incomplete?: object };
  while (inner._incomplete === undefined) await new Promise((resolve) => setImmediate(resolve));
}

for (const [how, bytes] of [
  ["whole messages", 10],
  ["a message of which a part has left", 20_000],
] as const) {
  test(`a link that ends with ${how} still to be sent holds up no other`, async () => {
    await using stage = await openAmqpStage();
    const client = await stage.connect({ maxFrameSize: 4_096 });
    const feeding = await stage.connect();
    for (const queue of ["a", "b"]) {
      const sender = await feeding.sender(queue);
      for (let count = 0; count < 5; count++) {
        await sender.send({ body: `${queue}${count}`.padEnd(bytes) });
      }
    }
    const window = { size: 2 };
    const session = openNarrow(client, window);
    const a = await receiverOf(session, "a");
    const b = await receiverOf(session, "b");
    a.link.add_credit(5);
    if (bytes < 4_096) for (let count = 0; count < 2; count++) await a.take();
    else await partOf(a);
    b.link.add_credit(5);
    window.size = 1_000;
    await a.close();
    b.link.add_credit(1);
    const seen: string[] = [];
    for (let count = 0; count < 5; count++) seen.push(String((await b.take()).message.body).trim());
    assert.deepEqual(seen, ["b0", "b1", "b2", "b3", "b4"]);
    const again = await (await stage.connect()).receiver("a");
    const { message } = await again.next();
    assert.deepEqual([String(message.body).trim(), message.delivery_count], ["a0", 0]);
  });
}
