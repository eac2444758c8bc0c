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
  {
    name: "proton queues",
    demands: {
      inOrder: 200,
      // Of a message that was released, and then of the same when a receiver said that it failed.
      releasedCount: 0,
      failedCount: 1,
      deadLetters: 1,
      scheduled: 1,
      subscribed: 1,
      declined: 2,
      answered: 1,
    },
    timeoutMs: 120_000,
    run: async ({ amqp, name, tools }) => {
      const url = `amqp://${amqp.host}:${amqp.port}`;
      return countsOf(await tools.python("proton-queues.py", [url, name("queue"), name("stream")]));
    },
  },
];
