/** The versions of a view, and reading what an older one left. */

import { refuse } from "../service/declaration-checks.ts";

/** From each older version's documents to the next version's: `upcast[1]` makes version 2. */
export type DocumentUpcasters = Readonly<Record<number, (old: any) => unknown>>;

/** Throws BAD_DECLARATION. */
export function checkVersion(what: string, version: number, upcast: DocumentUpcasters): void {
  if (!Number.isInteger(version) || version < 1) {
    refuse(`version of ${what} is ${version}; give a whole number from 1`);
  }
  for (const [from, upcaster] of Object.entries(upcast)) {
    if (!(Number(from) >= 1 && Number(from) < version)) {
      refuse(
        `${what} has an upcaster from "${from}" but its version is ${version}; raise version or remove it`,
      );
    }
    if (typeof upcaster !== "function")
      refuse(`the upcaster from ${from} of ${what} is no function`);
  }
}

/**
 * Brings a document on from `fromVersion`. A version without an upcaster leaves it as it is, and so is
 * a document of the version itself or of a newer one.
 */
export function upcastDocument(
  document: unknown,
  versions: { readonly from: number; readonly to: number },
  upcast: DocumentUpcasters,
): unknown {
  let current = document;
  for (let version = versions.from; version < versions.to; version++) {
    const upcaster = upcast[version];
    if (upcaster !== undefined) current = upcaster(current);
  }
  return current;
}
