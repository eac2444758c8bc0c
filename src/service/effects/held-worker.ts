/**
 * A worker of which nothing gets out of the service: its documents are written, where it likes under
 * other names; messages, events, timers and answers of effects are withheld, and the messages counted.
 */

import type { Message } from "../../model/message.ts";
import type { StoredDocument } from "../../store/store.ts";
import type { Decision, DocumentRef, WorkContext, Worker } from "../part.ts";
import { DelegatedContext } from "../unit/delegated-context.ts";

/** Where a collection of the declaration is kept instead. */
export type CollectionName = (declared: string) => string;

export class HeldWorker implements Worker {
  readonly #worker: Worker;
  readonly #rename: CollectionName;

  constructor(worker: Worker, rename: CollectionName = (declared) => declared) {
    this.#worker = worker;
    this.#rename = rename;
  }

  keyOf(message: Message): string {
    return this.#worker.keyOf(message);
  }

  reads(key: string): readonly DocumentRef[] {
    return (this.#worker.reads?.(key) ?? []).map((ref) => renamed(ref, this.#rename));
  }

  work(
    key: string,
    messages: readonly Message[],
    context: WorkContext,
  ): Decision | Promise<Decision> {
    const decision = this.#worker.work(key, messages, new HeldContext(context, this.#rename));
    return decision instanceof Promise
      ? decision.then((decided) => this.#held(decided))
      : this.#held(decision);
  }

  committed(key: string): void {
    this.#worker.committed?.(key);
  }

  forget(key: string): void {
    this.#worker.forget?.(key);
  }

  #held({ writes, outgoing, handled, failure, unmatched }: Decision): Decision {
    const documents = writes.documents?.map((write) => renamed(write, this.#rename));
    return {
      writes: documents === undefined ? {} : { documents },
      outgoing: [],
      handled,
      ...(failure && { failure }),
      ...(unmatched && { unmatched }),
      withheld: outgoing.length,
    };
  }
}

class HeldContext extends DelegatedContext {
  readonly #rename: CollectionName;

  constructor(inner: WorkContext, rename: CollectionName) {
    super(inner);
    this.#rename = rename;
  }

  override loaded(ref: DocumentRef): StoredDocument | undefined {
    return this.inner.loaded(renamed(ref, this.#rename));
  }

  override read(ref: DocumentRef): Promise<StoredDocument | undefined> {
    return this.inner.read(renamed(ref, this.#rename));
  }
}

function renamed<Ref extends DocumentRef>(ref: Ref, rename: CollectionName): Ref {
  return { ...ref, collection: rename(ref.collection) };
}
