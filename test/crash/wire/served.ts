/** Whether the doors of this process answer: they take connections before the code behind them is there. */

import { once } from "node:events";
import { connect } from "node:net";
import { HOST, requestBytes } from "../../hostile/client.ts";
import type { DoorPorts } from "../report.ts";

const AMQP_HEADER = Buffer.from("AMQP\0\u0001\0\0", "latin1");

/** Resolves when both have said something. */
export async function served({ kafka, amqp }: DoorPorts): Promise<void> {
  await answered(kafka, requestBytes("ApiVersions", {}));
  await answered(amqp, AMQP_HEADER);
}

async function answered(port: number, bytes: Buffer): Promise<void> {
  const socket = connect({ port, host: HOST });
  socket.write(bytes);
  await once(socket, "data");
  socket.destroy();
}
