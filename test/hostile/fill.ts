/** Fills a stream with more than the sockets' own buffers take, before those come who do not read. */

import { once } from "node:events";
import { text, wireBytes } from "../../src/embedded/log/log-stage.test.ts";
import { Client } from "./client.ts";
import { createTopic, openAmqp, produce, send } from "./healthy.ts";
import { LARGE_TOPIC } from "./topics.ts";

const COUNT = 64;
const BODY = "x".repeat(900 * 1024);

export const FILL = {
  async kafka(port: number): Promise<void> {
    const client = await Client.open(port);
    await createTopic(client, LARGE_TOPIC);
    const records = wireBytes([text(BODY)]);
    for (let count = 0; count < COUNT; count++) await produce(client, LARGE_TOPIC, records);
    client.socket.destroy();
  },
  async amqp(port: number): Promise<void> {
    const connection = await openAmqp(port);
    const sender = connection.open_sender(`/streams/${LARGE_TOPIC}`);
    await once(sender, "sendable");
    for (let count = 0; count < COUNT; count++) await send(sender, BODY);
    connection.close();
  },
};
