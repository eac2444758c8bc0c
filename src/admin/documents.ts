/** Looking into views: the documents as they stand in the store, digit by digit. */

import type { DocumentQuery, StoredDocument } from "../store/store.ts";
import type { ShownDocument } from "./admin.ts";
import type { AdminContext } from "./context.ts";
import { findView } from "./parts.ts";
import { onOneLine } from "./shown-message.ts";

export async function getDocument(
  context: AdminContext,
  view: string,
  id: string,
): Promise<ShownDocument | undefined> {
  const { known, collection } = findView(context, view);
  const found = (await known.store.getDocuments(collection, [id])).get(id);
  return found === undefined ? undefined : show(found);
}

export async function findDocuments(
  context: AdminContext,
  view: string,
  query: DocumentQuery,
): Promise<{ readonly documents: readonly ShownDocument[]; readonly next?: string }> {
  const { known, collection } = findView(context, view);
  const { documents, next } = await known.store.findDocuments(collection, query);
  return { documents: documents.map(show), ...(next !== undefined && { next }) };
}

function show({ id, json }: StoredDocument): ShownDocument {
  return { id, dataJson: onOneLine(json) };
}
