/**
 * A service in shadow: it works on what the live one works on, beside it, and does nothing that anybody
 * could notice. Its parts are named `shadow.NAME`, and so are their progress and groups; their
 * documents stand in collections of their own; effects are answered from the live parts' journals, and
 * what they would send is counted.
 *
 * Only consumers and views can be shadowed, as far as they read streams or the service's own events:
 * a message of a queue that the shadow took would be lost to the live part.
 */

import type { Part, Service } from "../part.ts";
import { HeldWorker } from "./held-worker.ts";

const PREFIX = "shadow.";

export interface ShadowService {
  readonly service: Service;
  /** The parts, or inputs of parts, that the shadow leaves alone, as text for people. */
  readonly left: readonly string[];
}

export function shadowOf({ name, parts }: Service): ShadowService {
  const shadows: Part[] = [];
  const left: string[] = [];
  for (const part of parts) {
    const from = part.from.filter(({ kind }) => kind === "stream");
    const queues = part.from.filter(({ kind }) => kind === "queue").map((queue) => queue.name);
    const shadowed = part.partKind === "consumer" || part.partKind === "view";
    if (!shadowed || (from.length === 0 && part.fromStore === undefined)) {
      left.push(`${part.partKind} "${part.name}"`);
    } else {
      left.push(...queues.map((queue) => `queue "${queue}" of ${part.partKind} "${part.name}"`));
      shadows.push(shadowPart({ ...part, from }));
    }
  }
  return { service: { name, parts: shadows }, left };
}

function shadowPart(part: Part): Part {
  const { name, consumer, collections, ownCollection, viewCollection, versioning } = part;
  return {
    ...part,
    name: PREFIX + name,
    consumer: PREFIX + consumer,
    collections: collections.map((each) => ({ ...each, name: shadowCollection(each.name) })),
    ...(ownCollection !== undefined && { ownCollection: shadowCollection(ownCollection) }),
    ...(viewCollection !== undefined && { viewCollection: shadowCollection(viewCollection) }),
    ...(versioning !== undefined && {
      versioning: {
        ...versioning,
        generation: (number) => shadowPart({ ...versioning.generation(number), from: part.from }),
      },
    }),
    journal: part.journal ?? consumer,
    createWorker: (environment) => new HeldWorker(part.createWorker(environment), shadowCollection),
  };
}

/** A view's generations name their collections after the view. */
function shadowCollection(declared: string): string {
  return declared.startsWith("view.") ? `view.${PREFIX}${declared.slice(5)}` : PREFIX + declared;
}
