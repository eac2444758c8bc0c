/** Cases of a view: given events, then these documents. */

import assert from "node:assert/strict";
import type { Draft } from "../../model/message.ts";
import type { MessageType } from "../../schema/declaration.ts";
import { parseDocument } from "../../service/document-json.ts";
import type { Decision, WorkContext } from "../../service/part.ts";
import type { View } from "../../sourcing/view.ts";
import { createTestEnvironment } from "../environment.ts";
import type { StoredDocument } from "../../store/store.ts";
import { CASE_START_MS, caseMessage, momentMs, typesByName, type Moment } from "./case-message.ts";

export interface ViewCase<State> {
  /** The moment of all events; 2026-01-01T00:00Z unless said. */
  at(moment: Moment): ViewCase<State>;
  /** The document of this id; undefined where there must be none. */
  then(id: string, state: State | undefined): void;
  /** All documents, by id. */
  thenAll(documents: Readonly<Record<string, State>>): void;
}

export function givenView<State>(view: View<State>, events: readonly Draft[]): ViewCase<State> {
  return caseOf(view, events, CASE_START_MS);
}

function caseOf<State>(view: View<State>, events: readonly Draft[], atMs: number): ViewCase<State> {
  const documents = (): ReadonlyMap<string, unknown> => {
    const folded = fold(view, events, atMs);
    return new Map([...folded].map(([id, { json }]) => [id, parseDocument(json)]));
  };
  return {
    at: (moment) => caseOf(view, events, momentMs(moment)),
    // Reads as a sentence; whoever awaits it by mistake is told so.
    // oxlint-disable-next-line unicorn/no-thenable
    then: (id, state) => assert.deepStrictEqual(documents().get(id), state),
    thenAll: (expected) => assert.deepStrictEqual(Object.fromEntries(documents()), { ...expected }),
  };
}

/** Each event by itself, as if each had come alone. Throws what a fold throws. */
function fold(
  view: View,
  events: readonly Draft[],
  timeMs: number,
): ReadonlyMap<string, StoredDocument> {
  const worker = view.createWorker(createTestEnvironment());
  const types = typesByName([
    ...view.from.flatMap((channel) => Object.values<MessageType>(channel.types)),
    ...(view.fromStore ?? []),
  ]);
  const documents = new Map<string, StoredDocument>();
  const context = foldContext(documents);
  events.forEach((draft, index) => {
    const message = caseMessage(draft, types, { id: `given-${index}`, timeMs });
    if (!view.handles.has(draft.type)) return;
    // A fold does not wait, so neither does its worker.
    const decision: any = worker.work(worker.keyOf(message), [message], context);
    const { failure, writes }: Decision = decision;
    if (failure !== undefined) throw failure.error;
    for (const { id, json, expected } of writes.documents ?? []) {
      if (json !== null) documents.set(id, { id, json, version: expected + 1 });
    }
  });
  return documents;
}

/** All that a fold may reach. */
function foldContext(documents: ReadonlyMap<string, StoredDocument>): WorkContext {
  const pure = { loaded: ({ id }: { readonly id: string }) => documents.get(id) };
  const context: any = new Proxy(pure, {
    get(target, name) {
      if (name === "loaded") return target.loaded;
      throw new TypeError(
        `a fold reaches for ${String(name)}, and has nothing but state and event`,
      );
    },
  });
  return context;
}
