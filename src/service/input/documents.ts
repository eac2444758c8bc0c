/**
 * Reading documents for a part: many keys' documents with one question, and those that only this part
 * writes from memory where they were seen before.
 *
 * What is kept may be outdated for a moment, when two inputs of a part write one document. That is
 * safe: the write is conditional on the version read, so the later one conflicts, is forgotten here,
 * and reads again.
 */

import type { Store, StoredDocument } from "../../store/store.ts";
import type { DocumentWrite } from "../../store/write-set.ts";
import type { DocumentRef } from "../part.ts";

/** The documents of some references at one moment. */
export type Snapshot = ReadonlyMap<string, StoredDocument | undefined>;

export const NO_DOCUMENTS: Snapshot = new Map();

const CACHED_MAX = 20_000;
const CACHED_CHARS_MAX = 16 * 1024 * 1024;

interface Asked {
  readonly ids: Set<string>;
  readonly answer: Promise<ReadonlyMap<string, StoredDocument>>;
}

export function refKey({ collection, id }: DocumentRef): string {
  return `${collection}\n${id}`;
}

export class DocumentReader {
  readonly #store: Store;
  readonly #own: string | undefined;
  readonly #cache = new Map<string, StoredDocument | undefined>();
  #chars = 0;
  readonly #asked = new Map<string, Asked>();

  /** `own` is the collection that nothing but this part writes, where it has one. */
  constructor(store: Store, own: string | undefined) {
    this.#store = store;
    this.#own = store.capabilities.shared ? undefined : own;
  }

  /** Answers at once where everything is known. Rejects with STORE_FAILED. */
  snapshot(refs: readonly DocumentRef[]): Snapshot | Promise<Snapshot> {
    const found = new Map<string, StoredDocument | undefined>();
    const missing: DocumentRef[] = [];
    for (const ref of refs) {
      const key = refKey(ref);
      if (this.#cache.has(key)) found.set(key, this.#cache.get(key));
      else missing.push(ref);
    }
    return missing.length === 0 ? found : this.#fetch(missing, found);
  }

  /** Asks the store, together with all others that ask in the same moment. */
  async read({ collection, id }: DocumentRef): Promise<StoredDocument | undefined> {
    let asked = this.#asked.get(collection);
    if (asked === undefined) {
      const ids = new Set<string>();
      const answer = Promise.resolve().then(() => {
        this.#asked.delete(collection);
        return this.#store.getDocuments(collection, [...ids]);
      });
      asked = { ids, answer };
      this.#asked.set(collection, asked);
    }
    asked.ids.add(id);
    return (await asked.answer).get(id);
  }

  /** Takes over what was committed. */
  written(writes: readonly DocumentWrite[]): void {
    for (const write of writes) {
      const { id, json, expected } = write;
      if (json === null) this.#keep(write, undefined, true);
      else this.#keep(write, { id, json, version: expected + 1 }, false);
    }
  }

  /** A write of these met another version than was read. */
  forget(writes: readonly DocumentWrite[]): void {
    for (const write of writes) this.#drop(refKey(write));
  }

  async #fetch(
    missing: readonly DocumentRef[],
    found: Map<string, StoredDocument | undefined>,
  ): Promise<Snapshot> {
    const byCollection = Map.groupBy(missing, ({ collection }) => collection);
    const groups = [...byCollection].map(async ([collection, refs]) => {
      const ids = refs.map(({ id }) => id);
      const documents = await this.#store.getDocuments(collection, ids);
      for (const ref of refs) {
        const document = documents.get(ref.id);
        found.set(refKey(ref), document);
        const known = this.#cache.get(refKey(ref));
        if (known === undefined || (document !== undefined && document.version > known.version)) {
          this.#keep(ref, document, false);
        }
      }
    });
    await Promise.all(groups);
    return found;
  }

  #keep(ref: DocumentRef, document: StoredDocument | undefined, deleted: boolean): void {
    if (ref.collection !== this.#own) return;
    const key = refKey(ref);
    this.#drop(key);
    if (deleted) return;
    this.#cache.set(key, document);
    this.#chars += document?.json.length ?? 0;
    for (const oldest of this.#cache.keys()) {
      if (this.#cache.size <= CACHED_MAX && this.#chars <= CACHED_CHARS_MAX) return;
      this.#drop(oldest);
    }
  }

  #drop(key: string): void {
    this.#chars -= this.#cache.get(key)?.json.length ?? 0;
    this.#cache.delete(key);
  }
}
