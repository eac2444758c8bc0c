/** `consumer`: the only kind of part whose code does I/O. */

import {
  checkConcurrency,
  checkOptions,
  checkPartName,
  handlersByType,
  listOf,
  policyOf,
} from "../declaration-checks.ts";
import type { Part } from "../part.ts";
import { ConsumerWorker, commandsOf, type AnyHandler } from "./consumer-worker.ts";
import { collectionsOf } from "./document.ts";
import type { ConsumerOptions, DistinctNames, Handlers, KnownOptions } from "./handler-types.ts";

export interface Consumer extends Part {
  readonly partKind: "consumer";
}

export interface ConsumerBeginning<Options extends ConsumerOptions> {
  /** Gives the handlers, by the names under which the channels carry their types. */
  handle(handlers: Handlers<Options>): Consumer;
}

const CONCURRENCY = 64;

/**
 * Declares a consumer: what it reads, what it may emit, and the documents that it keeps.
 *
 * A handler's documents and emitted messages take effect together, once, when its work is committed.
 * What it does to the outside world stands in `effect`, so that its answer is recorded and reused; a
 * call may be made again after a crash, always with the same idempotency key.
 *
 * Throws BAD_DECLARATION where the declaration contradicts itself.
 */
export function consumer<const Options extends ConsumerOptions>(
  name: string,
  options: Options & KnownOptions<Options> & DistinctNames<Options["from"]>,
): ConsumerBeginning<Options> {
  checkPartName(name, "consumer");
  const what = `consumer "${name}"`;
  checkOptions(options, what, [
    "from",
    "publishes",
    "sends",
    "docs",
    "policy",
    "concurrency",
    "start",
  ]);
  const { docs = {}, start = "earliest", concurrency = CONCURRENCY }: ConsumerOptions = options;
  checkConcurrency(what, concurrency);
  const policy = policyOf(what, options.policy);
  const from = listOf(options.from);
  return {
    handle: (handlers) => {
      const byType = handlersByType<AnyHandler>(what, from, handlers);
      const commands = commandsOf(from.flatMap((each) => Object.values(each.types)));
      return Object.freeze<Consumer>({
        partKind: "consumer",
        name,
        consumer: name,
        from,
        handles: new Set(byType.keys()),
        publishes: listOf(options.publishes),
        sends: listOf(options.sends),
        collections: collectionsOf(docs),
        policy,
        concurrency,
        pure: false,
        start,
        createWorker: () => new ConsumerWorker({ journal: name, handlers: byType, commands, docs }),
      });
    },
  };
}
