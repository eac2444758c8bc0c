/** `service`: a list of parts, deployable alone. */

import { isSubscription } from "../schema/declaration.ts";
import { withReplyQueue } from "./ask/reply-queue.ts";
import { checkPartName, refuse } from "./declaration-checks.ts";
import type { Part, Service } from "./part.ts";
import { feederOf } from "./router/feeder.ts";

/**
 * Declares a service of the given parts; the names are the program's own, each part keeps the one it
 * was declared with. Subscriptions that its parts read are fed by parts of its own, `NAME.feed`.
 *
 * Throws BAD_DECLARATION where two parts have one name, or one part is no part.
 */
export function service(name: string, parts: Readonly<Record<string, Part>>): Service {
  checkPartName(name, "service");
  for (const [local, part] of Object.entries(parts)) {
    if (typeof part?.createWorker !== "function") {
      refuse(
        `${local} of service "${name}" is no part; did its declaration lack .handle or .evolve?`,
      );
    }
  }
  const declared = Object.values(parts).map((part) => withReplyQueue(name, part));
  const all = [...declared, ...feedersOf(declared)];
  const seen = new Set<string>();
  const views = new Set(all.filter((part) => part.versioning).map((part) => part.name));
  for (const part of all) {
    const [, view] = /^(.+)\.v\d+(?:\.r\d+)?$/.exec(part.name) ?? [];
    if (view !== undefined && views.has(view)) {
      refuse(
        `service "${name}" has a part named "${part.name}", as the versions of its view "${view}" are; rename one`,
      );
    }
    for (const taken of new Set([part.name, part.consumer])) {
      if (seen.has(taken)) refuse(`service "${name}" has two parts named "${taken}"; rename one`);
      seen.add(taken);
    }
  }
  return Object.freeze({ name, parts: Object.freeze(all) });
}

function feedersOf(parts: readonly Part[]): readonly Part[] {
  const read = new Set(parts.flatMap(({ from }) => from).filter(isSubscription));
  return [...read].filter(({ feed }) => feed.by === "subscription").map(feederOf);
}
