/** What a worker gets for one unit. */

import type { Message } from "../../model/message.ts";
import { causedBy, type MessageStamper } from "../message-stamper.ts";
import type { DocumentRef, WorkContext } from "../part.ts";
import { refKey, type DocumentReader, type Snapshot } from "./documents.ts";
import type { Unit } from "./key-lanes.ts";

export function contextOf(
  unit: Unit,
  snapshot: Snapshot,
  engine: AbortSignal,
  { documents, stamper }: { readonly documents: DocumentReader; readonly stamper: MessageStamper },
): WorkContext {
  return {
    get signal(): AbortSignal {
      return signalOf(unit, engine);
    },
    loaded: (ref: DocumentRef) => snapshot.get(refKey(ref)),
    read: (ref: DocumentRef) => documents.read(ref),
    stamp: (draft, cause: Message) => stamper.stamp(draft, causedBy(cause)),
  };
}

/** Made only for work that asks for it: most does not, and signals are not cheap. */
function signalOf({ arrivals }: Unit, engine: AbortSignal): AbortSignal {
  if (arrivals[0]?.lease === undefined) return engine;
  const cancel = arrivals[0].cancel ?? new AbortController();
  for (const arrival of arrivals) arrival.cancel = cancel;
  return AbortSignal.any([engine, cancel.signal]);
}
