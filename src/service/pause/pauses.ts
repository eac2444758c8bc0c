/**
 * Parts that a person has stopped, kept in the service's own store, so that a restart does not set
 * them going again. One document a part, by its name.
 */

import { assert } from "../../model/assert.ts";
import { MillraceError } from "../../model/errors.ts";
import type { CollectionSpec, Store } from "../../store/store.ts";
import { parseDocument } from "../document-json.ts";

export const PAUSES: CollectionSpec = { name: "millrace.pauses", index: [] };

/** Documents read at a time: more parts than a service has. */
const PAGE = 1_000;

export interface PartPause {
  readonly by: string;
  readonly sinceMs: number;
  readonly why?: string;
}

/** By part, by name. The collection must be there. */
export async function readPauses(store: Store): Promise<ReadonlyMap<string, PartPause>> {
  const { documents } = await store.findDocuments(PAUSES.name, { limit: PAGE });
  return new Map(documents.map(({ id, json }) => [id, pauseOf(json)] as const));
}

/** Notes that the part is paused, or with undefined that it is not. False where nothing changed. */
export async function writePause(
  store: Store,
  part: string,
  pause: PartPause | undefined,
): Promise<boolean> {
  const { name: collection } = PAUSES;
  const before = (await store.getDocuments(collection, [part])).get(part);
  if ((before === undefined) === (pause === undefined)) return false;
  const json = pause === undefined ? null : JSON.stringify(pause);
  const expected = before?.version ?? 0;
  const write = { collection, id: part, expected, json };
  const { sets } = await store.apply({ sets: [{ key: part, finishes: [], documents: [write] }] });
  if (sets[0]?.status === "applied") return true;
  throw new MillraceError(
    "CONFLICT",
    `somebody else paused or resumed ${part} just now; look again`,
  );
}

/** How a pause is told to people. */
export function pauseText({ by, why }: PartPause): string {
  return why === undefined ? `paused by ${by}` : `paused by ${by}: ${why}`;
}

function pauseOf(json: string): PartPause {
  const pause: any = parseDocument(json);
  assert(
    typeof pause?.by === "string" && typeof pause.sinceMs === "number",
    "we wrote it ourselves",
  );
  return pause;
}
