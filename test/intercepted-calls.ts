/** Brokers and stores whose calls go by a test first, which counts them, notes them or refuses them. */

import type { BrokerFactory } from "../src/broker/broker.ts";

/** Gets every call of a method: answers itself, or returns what `call` does, with others if given. */
export type Interceptor = (
  name: string,
  call: (parameters?: readonly any[]) => unknown,
  parameters: readonly any[],
) => unknown;

export function intercepted<Target extends object>(target: Target, by: Interceptor): Target {
  return new Proxy(target, {
    get(_, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      return (...parameters: any[]): unknown =>
        by(String(name), (given = parameters) => Reflect.apply(member, target, given), parameters);
    },
  });
}

/** A broker of which one face, or both, goes by the test. */
export function interceptedBroker(
  inner: BrokerFactory,
  by: { readonly streams?: Interceptor; readonly queues?: Interceptor },
): BrokerFactory {
  return {
    adapter: inner.adapter,
    async open(environment) {
      const broker = await inner.open(environment);
      const { streams, queues } = broker;
      const close = (): Promise<void> => broker.close();
      return {
        streams: by.streams ? intercepted(streams!, by.streams) : streams!,
        queues: by.queues ? intercepted(queues!, by.queues) : queues!,
        close,
        [Symbol.asyncDispose]: close,
      };
    },
  };
}
