/**
 * Reads of a view, answered by the generation that is live.
 *
 * While a new version is built, that is one of an older version: its documents are brought into the
 * declared shape by the view's upcasters, and it can be asked only for what it indexes. Documents of a
 * newer version than the code's, met after a way back to code that had built nothing, mean nothing to
 * it.
 */

import { isMillraceError, MillraceError } from "../../model/errors.ts";
import type { DocumentQuery, Store } from "../../store/store.ts";
import { untilSeen, type SeenOptions } from "../ask/seen.ts";
import type { ChangeSignal } from "../running/settling.ts";
import { parseDocument } from "../document-json.ts";
import type { ViewKeeper } from "./view-keeper.ts";
import { generationName, isSame, viewCollection, type Generation } from "./view-record.ts";

export interface FoundDocuments {
  readonly documents: readonly { readonly id: string; readonly data: unknown }[];
  readonly next?: string;
}

/** What a read waits for before the generation that is live is asked. */
export interface Wait {
  readonly seen: SeenOptions;
  readonly changes: ChangeSignal;
}

/**
 * Resolves when the generation that answers has seen what the token names. Throws VIEW_BUILDING where
 * one answers that this code does not fold, and PARKED, DEADLINE, BAD_ARGUMENT.
 */
async function untilLiveHasSeen(
  keeper: ViewKeeper,
  { changes, seen }: Wait,
  document?: string,
): Promise<void> {
  if (seen.notBefore === undefined) return;
  const { livePart } = keeper;
  if (livePart === undefined) throw notYet(keeper, "is not folded on by this code");
  await untilSeen(livePart.runtime, changes, seen, document);
}

/** Undefined where there is none. Throws VIEW_BUILDING, and what waiting throws. */
export async function getFromView(
  keeper: ViewKeeper,
  store: Store,
  id: string,
  wait: Wait,
): Promise<unknown> {
  return await fromLive(keeper, async (collection, shape) => {
    await untilLiveHasSeen(keeper, wait, id);
    const found = (await store.getDocuments(collection, [id])).get(id);
    return found && shape(parseDocument(found.json));
  });
}

/** Throws as `getFromView` does, also for a field that the live generation does not index; BAD_ARGUMENT. */
export async function findInView(
  keeper: ViewKeeper,
  store: Store,
  query: DocumentQuery,
  wait: Wait,
): Promise<FoundDocuments> {
  return await fromLive(keeper, async (collection, shape) => {
    await untilLiveHasSeen(keeper, wait);
    const page = await store.findDocuments(collection, query).catch((error: unknown) => {
      throw isOfNewIndex(keeper, query, error)
        ? notYet(keeper, "does not index what is asked")
        : error;
    });
    return {
      documents: page.documents.map(({ id, json }) => ({ id, data: shape(parseDocument(json)) })),
      ...(page.next !== undefined && { next: page.next }),
    };
  });
}

type Shape = (document: unknown) => unknown;

/**
 * Another generation may take over, and this one be dropped, while it is waited for or the store is
 * asked: then the read begins again, because the other one may have seen less.
 */
async function fromLive<Result>(
  keeper: ViewKeeper,
  read: (collection: string, shape: Shape) => Promise<Result>,
): Promise<Result> {
  const { upcast, version } = keeper.versioning;
  for (;;) {
    const { live } = keeper;
    if (live.version > version) throw notYet(keeper, "is of a newer version than the code");
    const collection = viewCollection(keeper.view.name, live);
    const shape: Shape =
      live.version === version
        ? (document) => document
        : (document) => upcast(document, live.version);
    try {
      const result = await read(collection, shape);
      if (isStill(keeper, live)) return result;
    } catch (error) {
      if (isStill(keeper, live)) throw error;
    }
  }
}

function isStill(keeper: ViewKeeper, generation: Generation): boolean {
  return isSame(keeper.live, generation);
}

/** Whether the query asks for what the declared version indexes and an older one did not. */
function isOfNewIndex(
  { live, versioning, view }: ViewKeeper,
  { where = {}, order = "id" }: DocumentQuery,
  error: unknown,
): boolean {
  if (live.version === versioning.version || !isMillraceError(error, "BAD_ARGUMENT")) return false;
  const index = new Set(["id", ...view.collections.flatMap((each) => each.index)]);
  return [...Object.keys(where), order.replace(/^-/, "")].every((field) => index.has(field));
}

function notYet({ view, live, versioning }: ViewKeeper, why: string): MillraceError {
  const { version } = versioning;
  return new MillraceError(
    "VIEW_BUILDING",
    `version ${version} of ${view.name} is being built, and ${generationName(live)}, which answers, ${why}; ask again when version ${version} has taken over`,
    { details: { view: view.name, version, answering: generationName(live) } },
  );
}
