/** Reading what our own door wrote: it has the form that the types of the admin API say. */

import { elementsOf, membersOf } from "../../codecs/json-text.ts";
import { readShown } from "../shown-json.ts";

export function parse(text: string): any {
  return JSON.parse(text);
}

/** The member `name`, a list of things with payloads. */
export function listOf(text: string, name: string): any[] {
  return elementsOf(membersOf(text).get(name) ?? "[]").map((item) => readShown(item));
}
