/** The parts that hand on to the outside what they read, and keep nothing: webhooks and file sinks. */

import type { Channel, MessageType } from "../schema/declaration.ts";
import { listOf, policyOf, refuse } from "../service/declaration-checks.ts";
import type { FailurePolicy, Part } from "../service/part.ts";

export interface OutgoingOptions {
  /** The streams and queues that it reads. */
  readonly from: Channel | readonly Channel[];
  /** Which of their types go out; all unless said. The others are passed over. */
  readonly types?: readonly MessageType[];
  readonly policy?: Partial<FailurePolicy>;
  /** Where it begins on a stream that it never read; `earliest` unless said. */
  readonly start?: "earliest" | "latest";
}

export const OUTGOING_OPTIONS = ["from", "types", "policy", "start"] as const;

export interface OutgoingFacts extends Pick<Part, "name" | "concurrency" | "createWorker"> {
  /** How errors name it. */
  readonly what: string;
  readonly options: OutgoingOptions;
}

/** Throws BAD_DECLARATION. */
export function outgoingPart({
  name,
  what,
  options,
  concurrency,
  createWorker,
}: OutgoingFacts): Part {
  const from = listOf(options.from);
  return Object.freeze<Part>({
    partKind: "consumer",
    name,
    consumer: name,
    from,
    handles: handledTypes(what, from, options.types),
    publishes: [],
    sends: [],
    collections: [],
    policy: policyOf(what, options.policy),
    concurrency,
    pure: false,
    start: options.start ?? "earliest",
    keepsRaw: true,
    createWorker,
  });
}

/**
 * The wire types: all that the channels carry, or those of `types`. Throws BAD_DECLARATION where one
 * is carried by none of them, and where commands would be left that nobody else gets.
 */
function handledTypes(
  what: string,
  from: readonly Channel[],
  types: readonly MessageType[] | undefined,
): ReadonlySet<string> {
  if (from.length === 0) refuse(`${what} reads from nothing; name a stream or queue in from`);
  const carried = new Set(
    from.flatMap((channel) => Object.values<MessageType>(channel.types).map(({ type }) => type)),
  );
  if (types === undefined) return carried;
  const stray = types.find(({ type }) => !carried.has(type));
  if (stray !== undefined)
    refuse(`${what} names "${stray.type}", which none of its channels carries`);
  const left = from.find(({ kind }) => kind === "queue");
  const wanted = new Set(types.map(({ type }) => type));
  if (
    left !== undefined &&
    Object.values<MessageType>(left.types).some(({ type }) => !wanted.has(type))
  ) {
    refuse(`${what} does not take all of queue "${left.name}", and nobody else gets its commands`);
  }
  return wanted;
}
