/**
 * What an address names.
 *
 * `NAME` and `/queues/NAME` are a queue, `NAME/$dead` (or `/queues/NAME/$dead`) its dead letters,
 * `/streams/NAME` a stream. `queue://NAME` and `topic://NAME`, and a plain name with the capability
 * `queue` or `topic`, mean a queue and a stream, as some clients write them.
 */

export type Address =
  | { readonly kind: "queue"; readonly name: string }
  | { readonly kind: "dead-letters"; readonly name: string }
  | { readonly kind: "stream"; readonly name: string };

const FORMS: readonly (readonly [prefix: string, kind: "queue" | "stream"])[] = [
  ["/queues/", "queue"],
  ["/streams/", "stream"],
  ["queue://", "queue"],
  ["topic://", "stream"],
];
const DEAD = "/$dead";
/** Of a queue, which a service's stream has as well. */
const NAME = /^[A-Za-z0-9._-]{1,249}$/;

/** Undefined for an address that names nothing here. */
export function parseAddress(
  address: string,
  capabilities: readonly string[] = [],
): Address | undefined {
  const form = FORMS.find(([prefix]) => address.startsWith(prefix));
  const rest = form === undefined ? address : address.slice(form[0].length);
  const kind = form?.[1] ?? (capabilities.includes("topic") ? "stream" : "queue");
  const dead = kind === "queue" && rest.endsWith(DEAD);
  const name = dead ? rest.slice(0, -DEAD.length) : rest;
  if (!NAME.test(name) || name === "." || name === "..") return undefined;
  return { kind: dead ? "dead-letters" : kind, name };
}
