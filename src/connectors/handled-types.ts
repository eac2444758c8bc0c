/** Which types a part that passes everything on handles. */

import type { Channel, MessageType } from "../schema/declaration.ts";
import { refuse } from "../service/declaration-checks.ts";

/**
 * The wire types: all that the channels carry, or those of `types`. Throws BAD_DECLARATION where one
 * is carried by none of them, and where commands would be left that nobody else gets.
 */
export function handledTypes(
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
