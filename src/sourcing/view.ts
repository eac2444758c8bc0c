/** `view`: a fold of events into documents that can be queried. */

import type { Evolve } from "../model/fold.ts";
import type { Message } from "../model/message.ts";
import type { StreamDeclaration } from "../schema/declaration.ts";
import { indexedValues, type IndexField } from "../service/consumer/document.ts";
import {
  type DataOf,
  type DistinctNames,
  type ItemOf,
  type NamesOf,
} from "../service/consumer/handler-types.ts";
import {
  checkOptions,
  checkPartName,
  handlersByType,
  listOf,
  policyOf,
  refuse,
} from "../service/declaration-checks.ts";
import { documentJson, parseDocument } from "../service/document-json.ts";
import type {
  Decision,
  DocumentRef,
  FailurePolicy,
  Part,
  WorkContext,
  Worker,
} from "../service/part.ts";

export interface View<State = any> extends Part {
  readonly partKind: "view";
  readonly viewCollection: string;
  readonly version: number;
  readonly initial: State;
}

type Streams = StreamDeclaration | readonly StreamDeclaration[];

/** Which document an event belongs to, by handler name; where none is given it is the event's key. */
export type DocumentIds<From> = {
  readonly [Name in NamesOf<ItemOf<From>>]?: (data: DataOf<ItemOf<From>, Name>) => string;
};

export interface ViewOptions<From extends Streams, State> {
  readonly from: From;
  /** The state of a document before its first event. */
  readonly initial: State;
  /** 1 unless said. A view with a new version is built anew, beside the old one. */
  readonly version?: number;
  /** Fields by which documents can be found. */
  readonly index?: readonly IndexField<NoInfer<State>>[];
  /** `all`: one document, of the id `all`. */
  readonly id?: "all" | NoInfer<DocumentIds<From>>;
  readonly policy?: Partial<FailurePolicy>;
}

export type Evolvers<From, State> = {
  readonly [Name in NamesOf<ItemOf<From>>]?: Evolve<State, DataOf<ItemOf<From>, Name>>;
};

export interface ViewBeginning<From extends Streams, State> {
  /** Gives the folds, by the names under which the streams carry their events. */
  evolve(evolvers: Evolvers<From, State>): View<State>;
}

/** Keys folded at one time: folds do not wait, so this bounds only how much is read together. */
const CONCURRENCY = 1024;
const ALL = "all";

/**
 * Declares a view. Its state's type is that of `initial`; the folds follow.
 *
 * Throws BAD_DECLARATION where the declaration contradicts itself.
 */
export function view<const From extends Streams, State>(
  name: string,
  options: ViewOptions<From, State> & DistinctNames<From>,
): ViewBeginning<From, State> {
  checkPartName(name, "view");
  const what = `view "${name}"`;
  checkOptions(options, what, ["from", "initial", "version", "index", "id", "policy"]);
  const { initial, version = 1, index = [], id }: ViewOptions<From, State> = options;
  if (!Number.isInteger(version) || version < 1) {
    refuse(`version of ${what} is ${version}; give a whole number from 1`);
  }
  // Refused here rather than at the first event: a state that JSON cannot hold.
  indexedValues(what, index, initial);
  documentJson(initial);
  const from = listOf<StreamDeclaration>(options.from);
  const policy = policyOf(what, options.policy);
  const ids = id === undefined || id === ALL ? {} : id;
  const idByType = handlersByType<(data: unknown) => string>(what, from, ids);
  const collection = `view.${name}.v${version}`;
  return {
    evolve: (evolvers) => {
      const folds = handlersByType<Evolve<State, any>>(what, from, evolvers);
      return Object.freeze<View<State>>({
        partKind: "view",
        name,
        consumer: version === 1 ? name : `${name}.v${version}`,
        from,
        handles: new Set(folds.keys()),
        publishes: [],
        sends: [],
        collections: [{ name: collection, index }],
        viewCollection: collection,
        needs: ["replay"],
        policy,
        concurrency: CONCURRENCY,
        pure: true,
        start: "earliest",
        version,
        initial,
        createWorker: () =>
          new ViewWorker<State>({
            what,
            collection,
            initial,
            index,
            folds,
            idByType,
            all: id === ALL,
          }),
      });
    },
  };
}

interface ViewFacts<State> {
  readonly what: string;
  readonly collection: string;
  readonly initial: State;
  readonly index: readonly string[];
  readonly folds: ReadonlyMap<string, Evolve<State, any>>;
  readonly idByType: ReadonlyMap<string, (data: unknown) => string>;
  readonly all: boolean;
}

/** A view at work: reads a document once, folds all its events of the moment, writes it once. */
class ViewWorker<State> implements Worker {
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
