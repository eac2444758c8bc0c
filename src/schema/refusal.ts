/** The checks that every declaration shares: names, whole numbers, and options nobody knows. */

import { MillraceError } from "../model/errors.ts";
import { LIMITS } from "../model/limits.ts";
import type { DraftKind } from "../model/message.ts";

/** The names under which a channel or type becomes a file, a topic and an address. */
const CHANNEL_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;
const TYPE_NAME = /^[A-Za-z0-9][A-Za-z0-9._:/-]*$/;

/** `ns.` stands before the names of a namespace, `millrace.` before those of the runtime itself. */
const RESERVED = /^(?:ns|millrace)(?:\.|$)/;

/** Throws BAD_DECLARATION for a name that begins like those that the runtime makes. */
export function refuseReserved(name: string, what: string): void {
  if (!RESERVED.test(name)) return;
  refuse(
    `the ${what} name "${name}" begins with "${name.split(".", 1)[0]}", which is reserved; take another first word`,
  );
}

export function refuse(text: string): never {
  throw new MillraceError("BAD_DECLARATION", text);
}

type ChannelKind = "stream" | "queue" | "subscription";

function isChannelKind(what: ChannelKind | DraftKind): what is ChannelKind {
  return what === "stream" || what === "queue" || what === "subscription";
}

/** `what` is the word for the thing: `stream`, `event`. */
export function checkName(name: unknown, what: ChannelKind | DraftKind): void {
  const pattern = isChannelKind(what) ? CHANNEL_NAME : TYPE_NAME;
  if (typeof name !== "string" || name === "") {
    refuse(
      `a declaration of ${what === "event" ? "an" : "a"} ${what} has no name; give it as first argument`,
    );
  }
  if (!pattern.test(name)) {
    const allowed = pattern === CHANNEL_NAME ? '".", "_" and "-"' : '".", "_", "-", ":" and "/"';
    refuse(
      `the ${what} name ${JSON.stringify(name)} must start with a letter or digit and hold only ASCII letters, digits, ${allowed}`,
    );
  }
  if (name.length > LIMITS.nameLengthMax) {
    refuse(
      `the ${what} name ${JSON.stringify(`${name.slice(0, 40)}…`)} has ${name.length} characters; at most ${LIMITS.nameLengthMax} are allowed`,
    );
  }
  if (isChannelKind(what)) refuseReserved(name, what);
}

export function checkWholeNumber(
  value: unknown,
  what: string,
  { min, max }: { readonly min: number; readonly max: number },
): void {
  if (typeof value !== "number" || !Number.isInteger(value) || value < min || value > max) {
    refuse(`${what} is ${String(value)}; write a whole number from ${min} to ${max}`);
  }
}

/** Types already refuse unknown options; this is for JavaScript and for options built at run time. */
export function checkOptionNames(options: object, what: string, known: readonly string[]): void {
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown !== undefined) {
    refuse(
      `${what} has an unknown option ${JSON.stringify(unknown)}; the options are ${known.join(", ")}`,
    );
  }
}
