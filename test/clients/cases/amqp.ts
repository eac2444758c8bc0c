/** Clients of AMQP 1.0. */

import { type ClientCase, countsOf } from "../client-case.ts";

const MESSAGES = 1000;

export const AMQP: readonly ClientCase[] = [
  {
    name: "rhea queue",
    demands: {
      accepted: MESSAGES,
      distinct: MESSAGES,
      released: MESSAGES / 10,
      rejected: MESSAGES / 100,
      deadLetters: MESSAGES / 100,
    },
    run: async ({ amqp, name, tools }) => {
      const args = [amqp.host, String(amqp.port), name("queue"), String(MESSAGES)];
      return countsOf(await tools.node("rhea-queue.mjs", args));
    },
  },
  {
    name: "qpid-jms queue",
    demands: { sent: MESSAGES, received: MESSAGES, distinct: MESSAGES, recovered: 1, left: 0 },
    timeoutMs: 120_000,
    run: async ({ amqp, name, tools }) => {
      const url = `amqp://${amqp.host}:${amqp.port}`;
      const args = [url, name("queue"), String(MESSAGES)];
      return countsOf(await tools.java("JmsQueue.java", args, { libraries: "jms" }));
    },
  },
];
