/** A view at work: reads a document once, folds all its events of the moment, writes it once. */

import type { Evolve } from "../model/fold.ts";
import type { Message } from "../model/message.ts";
import { indexedValues } from "../service/consumer/document.ts";
import { documentJson, parseDocument } from "../service/document-json.ts";
import type { Decision, DocumentRef, WorkContext, Worker } from "../service/part.ts";

/** The id of the one document of a view that has but one. */
export const ALL = "all";

export interface ViewFacts<State> {
  readonly what: string;
  readonly collection: string;
  readonly initial: State;
  readonly index: readonly string[];
  readonly folds: ReadonlyMap<string, Evolve<State, any>>;
  readonly idByType: ReadonlyMap<string, (data: unknown) => string>;
  readonly all: boolean;
}

export class ViewWorker<State> implements Worker {
  readonly #facts: ViewFacts<State>;

  constructor(facts: ViewFacts<State>) {
    this.#facts = facts;
  }

  keyOf({ envelope, data }: Message): string {
    if (this.#facts.all) return ALL;
    const id = this.#facts.idByType.get(envelope.type)?.(data) ?? envelope.key ?? envelope.id;
    if (typeof id === "string" && id !== "") return id;
    throw new TypeError(
      `${this.#facts.what}: the id of ${envelope.type} is ${JSON.stringify(id)}; return a text that is not empty`,
    );
  }

  reads(key: string): readonly DocumentRef[] {
    return [{ collection: this.#facts.collection, id: key }];
  }

  work(key: string, messages: readonly Message[], context: WorkContext): Decision {
    const { what, collection, initial, index, folds } = this.#facts;
    const found = context.loaded({ collection, id: key });
    // What was stored is what these folds returned: a view with other folds has another version.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    let state = found === undefined ? initial : (parseDocument(found.json) as State);
    let handled = 0;
    let failure: { readonly error: unknown } | undefined;
    let json = "";
    let indexed = {};
    try {
      for (const { envelope, data } of messages) {
        const { id, time, version } = envelope;
        state = folds.get(envelope.type)!(state, data, { id, time, version });
        handled++;
      }
    } catch (error) {
      failure = { error };
    }
    if (handled > 0) {
      try {
        json = documentJson(state);
        indexed = indexedValues(what, index, state);
      } catch (error) {
        // Any of the folds may have made the state unfit: the first alone will tell.
        if (messages.length > 1)
          return this.work(key, messages.slice(0, handled - 1 || 1), context);
        return { writes: {}, outgoing: [], handled: 0, failure: { error } };
      }
    }
    const write = { collection, id: key, expected: found?.version ?? 0, json, indexed };
    return {
      writes: handled === 0 ? {} : { documents: [write] },
      outgoing: [],
      handled,
      ...(failure && { failure }),
    };
  }
}
