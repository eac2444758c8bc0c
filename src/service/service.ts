/** `service`: a list of parts, deployable alone. */

import { checkPartName, refuse } from "./declaration-checks.ts";
import type { Part, Service } from "./part.ts";

/**
 * Declares a service of the given parts; the names are the program's own, each part keeps the one it
 * was declared with. Throws BAD_DECLARATION where two parts have one name, or one part is no part.
 */
export function service(name: string, parts: Readonly<Record<string, Part>>): Service {
  checkPartName(name, "service");
  const seen = new Set<string>();
  for (const [local, part] of Object.entries(parts)) {
    if (typeof part?.createWorker !== "function") {
      refuse(
        `${local} of service "${name}" is no part; did its declaration lack .handle or .evolve?`,
      );
    }
    for (const taken of new Set([part.name, part.consumer])) {
      if (seen.has(taken)) refuse(`service "${name}" has two parts named "${taken}"; rename one`);
      seen.add(taken);
    }
  }
  return Object.freeze({ name, parts: Object.freeze(Object.values(parts)) });
}
