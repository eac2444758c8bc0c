/** What every store refuses to read. */

import { assert } from "../model/assert.ts";
import { MillraceError } from "../model/errors.ts";

export interface EntityRead {
  readonly entity: string;
  readonly after?: number;
}

/** Throws BAD_ARGUMENT for what is no version. Asking for an entity twice breaks an invariant. */
export function checkEntityReads(reads: readonly EntityRead[]): void {
  for (const { entity, after = 0 } of reads) {
    if (Number.isInteger(after) && after >= 0) continue;
    throw new MillraceError(
      "BAD_ARGUMENT",
      `entity ${entity} is asked for after ${after}, which is no version: it must be a whole number, ` +
        `not negative`,
    );
  }
  const entities = new Set(reads.map(({ entity }) => entity));
  assert(entities.size === reads.length, "each entity is asked for once");
}
