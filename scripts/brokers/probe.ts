/** Whether a broker answers: one question on one connection, which is closed again. */

import { connect } from "node:net";
import type { BrokerAddress } from "./broker.ts";

const ANSWER_MS_MAX = 5000;

/** Sends bytes and waits for the first that come back. False when the connection is refused or ended. */
export async function answersTo(
  { host, port }: BrokerAddress,
  question: Uint8Array,
  isAnswer: (bytes: Buffer) => boolean,
): Promise<boolean> {
  const socket = connect(port, host);
  try {
    return await new Promise((resolve) => {
      socket.setTimeout(ANSWER_MS_MAX, () => resolve(false));
      socket.once("connect", () => socket.write(question));
      socket.once("data", (bytes: Buffer) => resolve(isAnswer(bytes)));
      socket.on("error", () => resolve(false));
      socket.once("close", () => resolve(false));
    });
  } finally {
    socket.destroy();
  }
}

/** Metadata version 1 for no topic, correlation 7, no client id: a frame of any Kafka since 0.10. */
const METADATA = Buffer.from("0000000e0003000100000007ffff00000000", "hex");
const CORRELATION_AT = 4;

export function answersMetadata(address: BrokerAddress): Promise<boolean> {
  return answersTo(
    address,
    METADATA,
    (bytes) => bytes.length >= 8 && bytes.readInt32BE(CORRELATION_AT) === 7,
  );
}
