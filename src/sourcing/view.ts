/** `view`: a fold of events into documents that can be queried. */

import type { Evolve } from "../model/fold.ts";
import type { EventTypes, MessageType, StreamDeclaration } from "../schema/declaration.ts";
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
  type HandlerSource,
} from "../service/declaration-checks.ts";
import { documentJson } from "../service/document-json.ts";
import type { FailurePolicy, Part } from "../service/part.ts";
import { viewCollection, viewConsumer } from "../service/views/view-record.ts";
import { checkVersion, upcastDocument, type DocumentUpcasters } from "./view-versions.ts";
import { ALL, ViewWorker } from "./view-worker.ts";

export interface View<State = any> extends Part {
  readonly partKind: "view";
  readonly viewCollection: string;
  readonly version: number;
  readonly initial: State;
}

/** A decider as a view's source: the service's own events, private ones too, in commit order. */
export interface EventSource<Events extends EventTypes = EventTypes> {
  readonly partKind: "decider";
  readonly name: string;
  readonly events: Events;
}

export type ViewSource = StreamDeclaration | EventSource;
type Sources = ViewSource | readonly ViewSource[];

/** Which document an event belongs to, by handler name; where none is given it is the event's key. */
export type DocumentIds<From> = {
  readonly [Name in NamesOf<ItemOf<From>>]?: (data: DataOf<ItemOf<From>, Name>) => string;
};

export interface ViewOptions<From extends Sources, State> {
  /** Streams, and deciders of the same service. */
  readonly from: From;
  /** The state of a document before its first event. */
  readonly initial: State;
  /** 1 unless said. A view with a new version is built anew, beside the old one. */
  readonly version?: number;
  /** Brings documents of older versions into this one's shape, for reads while it is being built. */
  readonly upcast?: DocumentUpcasters;
  /** Whether a new version takes over by itself once it has caught up; `automatic` unless said. */
  readonly swap?: "automatic" | "manual";
  /** Fields by which documents can be found. */
  readonly index?: readonly IndexField<NoInfer<State>>[];
  /** `all`: one document, of the id `all`. */
  readonly id?: "all" | NoInfer<DocumentIds<From>>;
  readonly policy?: Partial<FailurePolicy>;
}

export type Evolvers<From, State> = {
  readonly [Name in NamesOf<ItemOf<From>>]?: Evolve<State, DataOf<ItemOf<From>, Name>>;
};

export interface ViewBeginning<From extends Sources, State> {
  /** Gives the folds, by the names under which the sources carry their events. */
  evolve(evolvers: Evolvers<From, State>): View<State>;
}

/** Keys folded at one time: folds do not wait, so this bounds only how much is read together. */
const CONCURRENCY = 1024;

/**
 * Declares a view. Its state's type is that of `initial`; the folds follow.
 *
 * Throws BAD_DECLARATION where the declaration contradicts itself.
 */
export function view<const From extends Sources, State>(
  name: string,
  options: ViewOptions<From, State> & DistinctNames<From>,
): ViewBeginning<From, State> {
  checkPartName(name, "view");
  const what = `view "${name}"`;
  checkOptions(options, what, [
    "from",
    "initial",
    "version",
    "upcast",
    "swap",
    "index",
    "id",
    "policy",
  ]);
  const {
    initial,
    version = 1,
    upcast = {},
    swap = "automatic",
    index = [],
    id,
  }: ViewOptions<From, State> = options;
  checkVersion(what, version, upcast);
  if (swap !== "automatic" && swap !== "manual") {
    refuse(`swap of ${what} is ${JSON.stringify(swap)}; write "automatic" or "manual"`);
  }
  // Refused here rather than at the first event: a state that JSON cannot hold.
  indexedValues(what, index, initial);
  documentJson(initial);
  const { streams, channels, own } = sourcesOf(listOf<ViewSource>(options.from));
  const policy = policyOf(what, options.policy);
  const ids = id === undefined || id === ALL ? {} : id;
  const idByType = handlersByType<(data: unknown) => string>(what, channels, ids);
  return {
    evolve: (evolvers) => {
      const folds = handlersByType<Evolve<State, any>>(what, channels, evolvers);
      const generation = (number: number): View<State> => {
        const collection = viewCollection(name, { version, number });
        const facts = { what, collection, initial, index, folds, idByType, all: id === ALL };
        return Object.freeze<View<State>>({
          partKind: "view",
          name,
          consumer: viewConsumer(name, { version, number }),
          from: streams,
          ...(own.length > 0 && { fromStore: own }),
          handles: new Set(folds.keys()),
          publishes: [],
          sends: [],
          collections: [{ name: collection, index }],
          ownCollection: collection,
          viewCollection: collection,
          versioning: {
            version,
            swap,
            upcast: (document, from) => upcastDocument(document, { from, to: version }, upcast),
            generation,
          },
          ...(streams.length > 0 && { needs: ["replay"] }),
          policy,
          concurrency: CONCURRENCY,
          pure: true,
          start: "earliest",
          version,
          initial,
          createWorker: () => new ViewWorker<State>(facts),
        });
      };
      return generation(0);
    },
  };
}

function sourcesOf(from: readonly ViewSource[]): {
  readonly streams: readonly StreamDeclaration[];
  readonly channels: readonly HandlerSource[];
  readonly own: readonly MessageType[];
} {
  const streams: StreamDeclaration[] = [];
  const channels: HandlerSource[] = [];
  const own: MessageType[] = [];
  for (const source of from) {
    if ("partKind" in source) {
      channels.push({ kind: "decider", name: source.name, types: source.events });
      own.push(...Object.values(source.events));
    } else {
      channels.push(source);
      streams.push(source);
    }
  }
  return { streams, channels, own };
}
