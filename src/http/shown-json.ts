/**
 * Messages, documents and states as JSON, with the payload in its own text: no digit of a 64-bit number
 * is lost on the way to the reader. `dataJson`, `stateJson` and `replyJson` in the admin API are `data`,
 * `state` and `reply` at the door.
 */

import type { ShownAnswer } from "../admin/api/command-admin.ts";
import { membersOf, withMember } from "../codecs/json-text.ts";

type Payload = "data" | "state" | "reply";

interface WithPayload {
  readonly dataJson?: string;
}

interface WithState {
  readonly stateJson: string;
}

export function writeShown(shown: WithPayload): string {
  const { dataJson, ...rest } = shown;
  return written(rest, "data", dataJson);
}

export function writeState(shown: WithState): string {
  const { stateJson, ...rest } = shown;
  return written(rest, "state", stateJson);
}

export function writeAnswer(answer: ShownAnswer): string {
  if (!answer.ok) return JSON.stringify(answer);
  const { replyJson, ...rest } = answer;
  return written(rest, "reply", replyJson);
}

/** `{"name": [...], ...more}` */
export function writeShownList(
  name: string,
  shown: readonly WithPayload[],
  more: Readonly<Record<string, unknown>> = {},
): string {
  return withMember(more, name, `[${shown.map(writeShown).join(",")}]`);
}

/** The inverse of the writers. What our own door wrote has the form that the types of `admin.ts` say. */
export function readShown(json: string, payload: Payload = "data"): any {
  const { [payload]: value, ...rest }: Record<string, unknown> = JSON.parse(json);
  return value === undefined ? rest : { ...rest, [`${payload}Json`]: membersOf(json).get(payload) };
}

function written(rest: object, name: Payload, json: string | undefined): string {
  return json === undefined ? JSON.stringify(rest) : withMember(rest, name, json);
}
