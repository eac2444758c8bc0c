/** Ports that report what passes them, or that spoil it on purpose. */

import type { QueueReceiver, Queues } from "../../../src/broker/queues.ts";
import type { Streams } from "../../../src/broker/streams.ts";
import type { Outcome } from "../../../src/model/outcome.ts";
import type { Store } from "../../../src/store/store.ts";
import type { Tell } from "../report.ts";

/** Tells `try` and `ack` around every commit, with the part, the input and the position reached. */
export function observeCommits(store: Store, tell: Tell): Store {
  return overlay(store, {
    apply: async (batch) => {
      const { consumer = "none", input = "none" } = batch.input ?? {};
      tell("try", consumer, input);
      const outcome = await store.apply(batch);
      tell("ack", consumer, input, outcome.position ?? -1);
      return outcome;
    },
  });
}

/** Tells `try` and `ack` around what the service publishes: its relay at work. */
export function observeAppends(streams: Streams, tell: Tell): Streams {
  return overlay(streams, {
    append: async (stream, messages, options) => {
      tell("try");
      const outcomes = await streams.append(stream, messages, options);
      tell("ack", outcomes.length);
      return outcomes;
    },
  });
}

/** The control: a command is accepted when it is received, before anything that it causes is kept. */
export function acceptOnReceipt(queues: Queues): Queues {
  return overlay(queues, {
    receive: async (queue, options) => {
      const receiver: QueueReceiver = await queues.receive(queue, options);
      return {
        close: () => receiver.close(),
        async *[Symbol.asyncIterator]() {
          for await (const leases of receiver) {
            await queues.accept(leases);
            yield leases;
          }
        },
      };
    },
    accept: (leases) =>
      Promise.resolve(leases.map((): Outcome<void> => ({ ok: true, value: undefined }))),
    extend: (lease) => Promise.resolve(lease),
    release: () => Promise.resolve(),
  });
}

function overlay<Port extends object>(port: Port, over: Partial<Port>): Port {
  return new Proxy(port, {
    get(target, name) {
      if (name in over) return Reflect.get(over, name);
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
