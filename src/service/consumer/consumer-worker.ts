/** A consumer at work: handlers one after another, and what they decided as one decision. */

import { MillraceError } from "../../model/errors.ts";
import type { Draft, Message } from "../../model/message.ts";
import type { StoredDocument } from "../../store/store.ts";
import type { DocumentWrite, OutgoingMessage } from "../../store/write-set.ts";
import { documentJson, parseDocument } from "../document-json.ts";
import type { Decision, WorkContext, Worker } from "../part.ts";
import { indexedValues, type DocumentDeclaration } from "./document.ts";

/** A handler whose types were checked where it was declared. */
export type AnyHandler = (data: any, context: any) => void | Promise<void>;

type Docs = Readonly<Record<string, DocumentDeclaration>>;

export class ConsumerWorker implements Worker {
  readonly #handlers: ReadonlyMap<string, AnyHandler>;
  readonly #docs: readonly (readonly [name: string, declaration: DocumentDeclaration])[];

  constructor(handlers: ReadonlyMap<string, AnyHandler>, docs: Docs) {
    this.#handlers = handlers;
    this.#docs = Object.entries(docs);
  }

  /** Keyless messages stand alone. */
  keyOf({ envelope }: Message): string {
    return envelope.key ?? envelope.id;
  }

  async work(_key: string, messages: readonly Message[], context: WorkContext): Promise<Decision> {
    const unit = new UnitOfWork(context, this.#docs);
    let handled = 0;
    for (const message of messages) {
      const call = unit.begin(message);
      try {
        const { type } = message.envelope;
        const result = this.#handlers.get(type)!(message.data, call);
        if (result instanceof Promise) await result;
      } catch (error) {
        unit.discard();
        return unit.decision(handled, { error });
      }
      unit.keep();
      handled++;
    }
    return unit.decision(handled);
  }
}

interface Staged {
  readonly declaration: DocumentDeclaration;
  readonly id: string;
  /** Null: deleted. */
  readonly json: string | null;
  readonly state: unknown;
}

/**
 * What the handlers of one key have decided so far. Documents are read once and then kept, so all
 * handlers of the unit see one version; a handler's own changes are staged, and dropped if it fails.
 */
class UnitOfWork {
  readonly #context: WorkContext;
  readonly #docs: readonly (readonly [string, DocumentDeclaration])[];
  readonly #read = new Map<string, Promise<StoredDocument | undefined>>();
  readonly #versions = new Map<string, number>();
  readonly #kept = new Map<string, Staged>();
  readonly #outgoing: OutgoingMessage[] = [];
  readonly #staged = new Map<string, Staged>();
  #emitted: OutgoingMessage[] = [];
  #call = 0;
  #access: object | undefined;
  #over = false;

  constructor(context: WorkContext, docs: readonly (readonly [string, DocumentDeclaration])[]) {
    this.#context = context;
    this.#docs = docs;
  }

  /** What the handler of this message gets. `emit` is dead once that handler has ended. */
  begin(message: Message): object {
    const context = this.#context;
    const call = ++this.#call;
    const emit = (draft: Draft): void => {
      if (call !== this.#call) throw calledTooLate("emit");
      this.#emitted.push(context.stamp(draft, message));
    };
    // Made once a unit: most of a busy consumer's time would go into making them anew.
    this.#access ??= Object.fromEntries(
      this.#docs.map(([name, declaration]) => [name, this.#accessTo(declaration)]),
    );
    return new HandlerCall({ message, emit, docs: this.#access, context });
  }

  keep(): void {
    if (this.#emitted.length > 0) this.#outgoing.push(...this.#emitted);
    for (const [key, staged] of this.#staged) this.#kept.set(key, staged);
    this.discard();
  }

  discard(): void {
    this.#call++;
    this.#staged.clear();
    if (this.#emitted.length > 0) this.#emitted = [];
  }

  async decision(handled: number, failure?: { readonly error: unknown }): Promise<Decision> {
    this.#over = true;
    const documents: DocumentWrite[] = [];
    for (const [key, { declaration, id, json, state }] of this.#kept) {
      const what = `document "${declaration.name}"`;
      documents.push({
        collection: declaration.collection,
        id,
        expected: await this.#version(key, declaration, id),
        json,
        ...(json !== null && { indexed: indexedValues(what, declaration.index, state) }),
      });
    }
    return {
      writes: documents.length === 0 ? {} : { documents },
      outgoing: this.#outgoing,
      handled,
      ...(failure && { failure }),
    };
  }

  #accessTo(declaration: DocumentDeclaration): object {
    const alive = (what: string): void => {
      if (this.#over) throw calledTooLate(what);
    };
    const keyOf = (id: string): string => `${declaration.collection}\n${id}`;
    const stage = (id: string, state: unknown, json: string | null): void => {
      this.#staged.set(keyOf(id), { declaration, id, json, state });
    };
    return {
      get: async (id: string): Promise<unknown> => {
        const staged = this.#staged.get(keyOf(id)) ?? this.#kept.get(keyOf(id));
        if (staged !== undefined)
          return staged.json === null ? undefined : parseDocument(staged.json);
        const document = await this.#load(keyOf(id), declaration, id);
        return document && parseDocument(document.json);
      },
      put: (id: string, data: unknown): void => {
        alive(`${declaration.name}.put`);
        declaration.check(data);
        // Checked here, so that the error's stack shows the handler that put it.
        indexedValues(`document "${declaration.name}"`, declaration.index, data);
        stage(id, data, documentJson(data));
      },
      delete: (id: string): void => {
        alive(`${declaration.name}.delete`);
        stage(id, undefined, null);
      },
    };
  }

  #load(
    key: string,
    { collection }: DocumentDeclaration,
    id: string,
  ): Promise<StoredDocument | undefined> {
    let reading = this.#read.get(key);
    if (reading === undefined) {
      reading = this.#context.read({ collection, id });
      this.#read.set(key, reading);
    }
    return reading;
  }

  /** A document that is put without having been read is read now: its version is the condition. */
  async #version(key: string, declaration: DocumentDeclaration, id: string): Promise<number> {
    const known = this.#versions.get(key);
    if (known !== undefined) return known;
    const version = (await this.#load(key, declaration, id))?.version ?? 0;
    this.#versions.set(key, version);
    return version;
  }
}

/** The last argument of a handler. A signal is made only for a handler that asks for it. */
class HandlerCall {
  readonly id: string;
  readonly time: number;
  readonly version: number;
  readonly key: string | undefined;
  readonly actor: string | undefined;
  readonly emit: (draft: Draft) => void;
  readonly docs: object;
  readonly #context: WorkContext;

  constructor(options: {
    readonly message: Message;
    readonly emit: (draft: Draft) => void;
    readonly docs: object;
    readonly context: WorkContext;
  }) {
    const { id, time, version, key, actor } = options.message.envelope;
    this.id = id;
    this.time = time;
    this.version = version;
    this.key = key;
    this.actor = actor;
    this.emit = options.emit;
    this.docs = options.docs;
    this.#context = options.context;
  }

  get signal(): AbortSignal {
    return this.#context.signal;
  }
}

function calledTooLate(what: string): MillraceError {
  return new MillraceError(
    "BAD_ARGUMENT",
    `${what} was called after its handler had ended; await everything inside the handler`,
  );
}
