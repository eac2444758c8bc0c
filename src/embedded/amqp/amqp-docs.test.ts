import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
// #region client
import rhea from "rhea";

/** Sends one order, takes it back, and accepts it. */
function sendAndReceive(port: number): Promise<unknown> {
  const connection = rhea.connect({ host: "127.0.0.1", port, reconnect: false });
  const sender = connection.open_sender("orders");
  sender.once("sendable", () => sender.send({ body: { orderId: "o1" }, group_id: "o1" }));
  const receiver = connection.open_receiver({ source: "orders", autoaccept: false });
  return new Promise((resolve) => {
    receiver.once("message", ({ message, delivery }) => {
      delivery?.accept();
      connection.once("connection_close", () => resolve(message?.body));
      connection.close();
    });
  });
}
// #endregion
import { createTestEnvironment } from "../../testing/environment.ts";
import { embedded } from "../embedded.ts";

test("the program of the page on AMQP runs", async () => {
  const directory = await mkdtemp(join(tmpdir(), "millrace-amqp-"));
  try {
    const factory = embedded({ directory, freeBytesMin: 0, amqp: { port: 0 } });
    await using broker = await factory.open(createTestEnvironment());
    const [address] = broker.addresses ?? [];
    assert.equal(address?.protocol, "amqp");
    assert.deepEqual(await sendAndReceive(address.port), { orderId: "o1" });
  } finally {
    await rm(directory, { recursive: true });
  }
});
