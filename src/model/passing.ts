/**
 * What a message remembers of causes that no log keeps.
 *
 * Events stay in streams and stores; a command is gone once it was done, a reply once it was taken, a
 * timer once it fired. Yet a conversation can only be drawn as one tree if the steps between two events
 * are known. So what such a message leads to carries the nearest of them in the attribute `via`, each
 * with its own cause: four, a command and its reply twice. The ones before stand in other messages of
 * the conversation, unless more than two commands in a row led to no event.
 */

import type { Envelope, MessageKind } from "./envelope.ts";

/** A CloudEvents attribute. */
export const VIA = "via";

export interface PassingCause {
  readonly kind: MessageKind;
  readonly type: string;
  readonly id: string;
  /** The id of what caused it in turn. */
  readonly causation?: string;
}

const CAUSES_MAX = 4;
/** Strangers' ids may be long; what does not fit is left out. */
const LENGTH_MAX = 1_000;
const KINDS: ReadonlySet<string> = new Set<MessageKind>(["command", "reply", "timer"]);

/** The attribute of what `cause` leads to; undefined where the cause is an event, which is kept. */
export function viaOf({ kind, type, id, causation, extensions }: Envelope): string | undefined {
  if (kind === "event") return undefined;
  const own = [kind, type, id, causation ?? ""].map(encodeURIComponent).join(" ");
  const before = extensions?.[VIA]?.split(",").slice(0, CAUSES_MAX - 1) ?? [];
  const whole = [own, ...before].join(",");
  if (whole.length <= LENGTH_MAX) return whole;
  return own.length <= LENGTH_MAX ? own : undefined;
}

/** The nearest first. What is no such attribute is read as far as it is one. */
export function passingCauses({ extensions }: Envelope): readonly PassingCause[] {
  const causes: PassingCause[] = [];
  for (const entry of extensions?.[VIA]?.split(",") ?? []) {
    const [kind = "", type = "", id = "", causation = ""] = entry.split(" ").map(decoded);
    if (!isPassing(kind) || type === "" || id === "") return causes;
    causes.push({ kind, type, id, ...(causation !== "" && { causation }) });
  }
  return causes;
}

function isPassing(kind: string): kind is MessageKind {
  return KINDS.has(kind);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // Not ours: a stranger's attribute of the same name.
    return "";
  }
}
