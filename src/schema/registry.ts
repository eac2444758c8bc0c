/** Which declaration a wire type means, over all channels in reach of a program. */

import { MillraceError } from "../model/errors.ts";
import { type Channel, isSubscription, type MessageType } from "./declaration.ts";
import { refuse } from "./refusal.ts";

export interface RegisteredType {
  readonly declaration: MessageType;
  /** Every channel that the type may be published to, in the order given: no subscriptions. */
  readonly channels: readonly Channel[];
}

export interface Registry {
  readonly channels: readonly Channel[];
  /** Undefined for a type that no channel declares. */
  find(type: string): RegisteredType | undefined;
  /** Throws UNKNOWN_TYPE, naming the types that resemble it. */
  get(type: string): RegisteredType;
  types(): readonly RegisteredType[];
}

interface Entry extends RegisteredType {
  readonly channels: Channel[];
}

/**
 * Builds the lookup. The same channel may be given several times, by several parts.
 *
 * Throws BAD_DECLARATION where two declarations claim one wire type, or one channel name: a reader
 * could not tell which was meant.
 */
export function createRegistry(channels: readonly Channel[]): Registry {
  const channelByAddress = new Map<string, Channel>();
  const byType = new Map<string, Entry>();
  /** The channel that was given first with the type. */
  const firstWith = new Map<string, string>();
  for (const channel of channels) {
    const address = `${channel.kind} "${channel.name}"`;
    const known = channelByAddress.get(address);
    if (known === channel) continue;
    if (known !== undefined) refuse(`${address} is declared twice; declare it once and import it`);
    channelByAddress.set(address, channel);
    for (const declaration of Object.values(channel.types)) {
      const entry: Entry = byType.get(declaration.type) ?? { declaration, channels: [] };
      byType.set(declaration.type, entry);
      const first = firstWith.get(declaration.type) ?? address;
      firstWith.set(declaration.type, first);
      if (entry.declaration === declaration) {
        if (!isSubscription(channel)) entry.channels.push(channel);
      } else {
        refuse(
          `the type "${declaration.type}" is declared twice, in ${first} and ${address}; declare it once and import it, or rename one`,
        );
      }
    }
  }
  return {
    channels: [...channelByAddress.values()],
    find: (type) => byType.get(type),
    get: (type) => byType.get(type) ?? unknownType(type, [...byType.keys()]),
    types: () => [...byType.values()],
  };
}

function unknownType(type: string, known: readonly string[]): never {
  const wanted = type.toLowerCase();
  const near = known.filter(
    (name) => name.toLowerCase().includes(wanted) || wanted.includes(name.toLowerCase()),
  );
  const told = near.length > 0 ? near : known;
  const list = told.slice(0, 5).join(", ") + (told.length > 5 ? ", …" : "");
  throw new MillraceError(
    "UNKNOWN_TYPE",
    `no declared stream or queue carries the type "${type.slice(0, 100)}"; ${known.length === 0 ? "none is declared" : `declared are ${list}`}`,
    { details: { type: type.slice(0, 100) } },
  );
}
