/**
 * Looking into views: the documents as they stand in the store, digit by digit. A service at work is
 * asked itself, because it knows which generation answers and can wait for a write to be seen.
 */

import { documentJson } from "../service/document-json.ts";
import { VIEWS, viewCollection, liveOf } from "../service/views/view-record.ts";
import { readRecord } from "../service/views/view-records.ts";
import type { DocumentQuery, StoredDocument } from "../store/store.ts";
import type { ReadOptions, ShownDocument } from "./admin.ts";
import type { AdminContext } from "./context.ts";
import { findView } from "./parts.ts";
import { onOneLine } from "./shown-message.ts";

export async function getDocument(
  context: AdminContext,
  view: string,
  id: string,
  options: ReadOptions = {},
): Promise<ShownDocument | undefined> {
  const found = findView(context, view);
  const { running, store } = found.known;
  if (running !== undefined) {
    const data = await running.get(found.part.name, id, options);
    return data === undefined ? undefined : { id, dataJson: documentJson(data) };
  }
  const document = (await store.getDocuments(await collectionOf(found), [id])).get(id);
  return document === undefined ? undefined : show(document);
}

export async function findDocuments(
  context: AdminContext,
  view: string,
  query: DocumentQuery,
  options: ReadOptions = {},
): Promise<{ readonly documents: readonly ShownDocument[]; readonly next?: string }> {
  const found = findView(context, view);
  const { running, store } = found.known;
  if (running !== undefined) {
    const { documents, next } = await running.find(found.part.name, query, options);
    const shown = documents.map(({ id, data }) => ({ id, dataJson: documentJson(data) }));
    return { documents: shown, ...(next !== undefined && { next }) };
  }
  const { documents, next } = await store.findDocuments(await collectionOf(found), query);
  return { documents: documents.map(show), ...(next !== undefined && { next }) };
}

/** Of the generation that answered when the service ran last; the declared one before it ever ran. */
async function collectionOf({
  known: { store },
  part,
  collection,
}: ReturnType<typeof findView>): Promise<string> {
  await store.ensureCollections([VIEWS]);
  const { record } = await readRecord(store, part.name);
  return record.generations.length === 0 ? collection : viewCollection(part.name, liveOf(record));
}

function show({ id, json }: StoredDocument): ShownDocument {
  return { id, dataJson: onOneLine(json) };
}
