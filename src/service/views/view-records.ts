/** View records in the store: one document a view, changed under the condition of what was read. */

import type { Store } from "../../store/store.ts";
import { parseDocument } from "../document-json.ts";
import { NO_VIEW, VIEWS, type ViewRecord } from "./view-record.ts";

export interface StoredRecord {
  readonly record: ViewRecord;
  /** 0 where there is none yet. */
  readonly version: number;
}

export async function readRecord(store: Store, view: string): Promise<StoredRecord> {
  const found = (await store.getDocuments(VIEWS.name, [view])).get(view);
  if (found === undefined) return { record: NO_VIEW, version: 0 };
  const record: any = parseDocument(found.json);
  return { record, version: found.version };
}

/** Undefined where somebody else has changed it since. Throws STORE_FAILED. */
export async function writeRecord(
  store: Store,
  view: string,
  before: StoredRecord,
  record: ViewRecord,
): Promise<StoredRecord | undefined> {
  const document = {
    collection: VIEWS.name,
    id: view,
    expected: before.version,
    json: JSON.stringify(record),
  };
  const set = { key: view, finishes: [], documents: [document] };
  const { sets } = await store.apply({ sets: [set] });
  return sets[0]?.status === "applied" ? { record, version: before.version + 1 } : undefined;
}

/** The versions of the view that have progress in the store, from before there were records. */
export async function versionsFound(store: Store, view: string): Promise<readonly number[]> {
  const versions = new Set<number>();
  for (const { consumer } of await store.listProgress()) {
    if (consumer === view) versions.add(1);
    const suffix = consumer.startsWith(`${view}.v`) ? consumer.slice(view.length + 2) : "";
    if (/^\d+$/.test(suffix)) versions.add(Number(suffix));
  }
  return [...versions];
}
