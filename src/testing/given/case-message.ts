/** What a case gives and expects, checked and turned into what handlers get. */

import { assert } from "../../model/assert.ts";
import type { Draft, Message } from "../../model/message.ts";
import type { MessageType } from "../../schema/declaration.ts";
import { checkPayload } from "../../schema/payload.ts";

/** A moment as tests write it: milliseconds since 1970, or text such as `2026-01-01T09:00Z`. */
export type Moment = number | string;

/** 2026-01-01T00:00:00Z: where a case stands that names no moment. */
export const CASE_START_MS = 1_767_225_600_000;

/** Throws TypeError for a text that is no moment. */
export function momentMs(moment: Moment): number {
  const ms = typeof moment === "number" ? moment : Date.parse(moment);
  if (Number.isFinite(ms)) return ms;
  throw new TypeError(`${JSON.stringify(moment)} is no moment; write 2026-01-01T09:00Z`);
}

/** The types of a case by wire type. */
export function typesByName(types: Iterable<MessageType>): ReadonlyMap<string, MessageType> {
  return new Map([...types].map((type) => [type.type, type]));
}

/**
 * A draft as the message that a handler gets. Throws BAD_PAYLOAD naming the field, and TypeError for a
 * type that what is tested does not know.
 */
export function caseMessage(
  draft: Draft,
  types: ReadonlyMap<string, MessageType>,
  at: { readonly id: string; readonly timeMs: number; readonly actor?: string },
): Message {
  const type = types.get(draft.type);
  if (type === undefined) {
    throw new TypeError(
      `"${draft.type}" is not known here; known are ${[...types.keys()].join(", ")}`,
    );
  }
  const { output, key } = checkPayload(type, draft.data);
  return {
    envelope: {
      id: at.id,
      type: type.type,
      kind: type.kind,
      version: type.version,
      source: "test",
      time: at.timeMs,
      ...(key !== undefined && { key }),
      ...(at.actor !== undefined && { actor: at.actor }),
    },
    data: output,
  };
}

/** Type and data alone, so that a comparison shows nothing else. */
export function plainDrafts(drafts: readonly Draft[]): readonly Draft[] {
  assert(
    Array.isArray(drafts),
    "`then` takes a list, and nothing of a case is awaited: write then([…]) without await",
  );
  return drafts.map(({ type, data }) => ({ type, data }));
}
