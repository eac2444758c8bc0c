/**
 * What the handlers of one key have decided so far. Documents are read once and then kept, so all
 * handlers of the unit see one version; a handler's own changes are staged, and dropped if it fails
 * or refuses. The answers of its effects are kept in either case: those calls were made.
 */

import { MillraceError } from "../../model/errors.ts";
import type { Draft, Message } from "../../model/message.ts";
import type { StoredDocument } from "../../store/store.ts";
import type { DocumentWrite, EffectWrite, OutgoingMessage } from "../../store/write-set.ts";
import { documentJson, parseDocument } from "../document-json.ts";
import type { AnswerBuffer } from "../effects/answer-buffer.ts";
import { EffectCalls } from "../effects/effect-calls.ts";
import type { Decision, WorkContext } from "../part.ts";
import { indexedValues, type DocumentDeclaration } from "./document.ts";
import { HandlerCall } from "./handler-call.ts";

export interface UnitOptions {
  readonly context: WorkContext;
  readonly docs: readonly (readonly [name: string, declaration: DocumentDeclaration])[];
  /** Under whose name the answers of effects are recorded. */
  readonly journal: string;
  readonly buffer: AnswerBuffer;
}

interface Staged {
  readonly declaration: DocumentDeclaration;
  readonly id: string;
  /** Null: deleted. */
  readonly json: string | null;
  readonly state: unknown;
}

export class UnitOfWork {
  readonly #options: UnitOptions;
  readonly #read = new Map<string, Promise<StoredDocument | undefined>>();
  readonly #versions = new Map<string, number>();
  readonly #kept = new Map<string, Staged>();
  readonly #outgoing: OutgoingMessage[] = [];
  readonly #effects: EffectWrite[] = [];
  readonly #staged = new Map<string, Staged>();
  #emitted: OutgoingMessage[] = [];
  #calls: EffectCalls | undefined;
  #call = 0;
  #access: object | undefined;
  #over = false;

  constructor(options: UnitOptions) {
    this.#options = options;
  }

  /** What the handler of this message gets; `emit` and `effect` are dead once that handler has ended. */
  begin(message: Message): object {
    const { context, docs, journal: consumer, buffer } = this.#options;
    const call = ++this.#call;
    const alive = (what: string): void => {
      if (call !== this.#call) throw calledTooLate(what);
    };
    // Made once a unit: most of a busy consumer's time would go into making them anew.
    this.#access ??= Object.fromEntries(
      docs.map(([name, declaration]) => [name, this.#accessTo(declaration)]),
    );
    return new HandlerCall({
      message,
      context,
      docs: this.#access,
      emit: (draft: Draft): void => {
        alive("emit");
        this.#emitted.push(context.stamp(draft, message));
      },
      effect: async (name, how) => {
        alive("effect");
        const { id } = message.envelope;
        this.#calls ??= new EffectCalls({ message: id, consumer, context, buffer });
        return this.#calls.run(name, how);
      },
    });
  }

  /** The handler is done: what it decided counts. */
  keep(): void {
    if (this.#emitted.length > 0) this.#outgoing.push(...this.#emitted);
    for (const [key, staged] of this.#staged) this.#kept.set(key, staged);
    this.#end();
  }

  /** The handler refused its command: nothing is changed. */
  refuse(): void {
    this.#end();
  }

  /** The handler failed: nothing that it decided counts. */
  discard(): void {
    this.#end();
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
      writes: {
        ...(documents.length > 0 && { documents }),
        ...(this.#effects.length > 0 && { effects: this.#effects }),
      },
      outgoing: this.#outgoing,
      handled,
      ...(failure && { failure }),
    };
  }

  #end(): void {
    this.#call++;
    this.#staged.clear();
    if (this.#emitted.length > 0) this.#emitted = [];
    if (this.#calls !== undefined) this.#effects.push(...this.#calls.answers);
    this.#calls = undefined;
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
      reading = this.#options.context.read({ collection, id });
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

function calledTooLate(what: string): MillraceError {
  return new MillraceError(
    "BAD_ARGUMENT",
    `${what} was called after its handler had ended; await everything inside the handler`,
  );
}
