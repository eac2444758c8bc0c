/**
 * Messages and documents as JSON, with the payload in its own text under `data`: no digit of a 64-bit
 * number is lost on the way to the reader. `dataJson` in the admin API, `data` at the door.
 */

import { membersOf, withMember } from "../codecs/json-text.ts";

interface WithPayload {
  readonly dataJson?: string;
}

export function writeShown(shown: WithPayload): string {
  const { dataJson, ...rest } = shown;
  return dataJson === undefined ? JSON.stringify(rest) : withMember(rest, "data", dataJson);
}

/** `{"name": [...], ...more}` */
export function writeShownList(
  name: string,
  shown: readonly WithPayload[],
  more: Readonly<Record<string, unknown>> = {},
): string {
  return withMember(more, name, `[${shown.map(writeShown).join(",")}]`);
}

/** The inverse of `writeShown`. What our own door wrote has the form that the types of `admin.ts` say. */
export function readShown(json: string): any {
  const { data, ...rest }: Record<string, unknown> = JSON.parse(json);
  return data === undefined ? rest : { ...rest, dataJson: membersOf(json).get("data") };
}
