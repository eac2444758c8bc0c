/** Names inside a namespace, and as the broker below has them. */

import { MillraceError } from "../../model/errors.ts";

/** Without dots, so that no namespace's names begin like another's. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,49}$/;
/** Declarations cannot take it; see `schema/refusal.ts`. */
const BEGINNING = "ns.";

export interface NamespaceNames {
  readonly namespace: string;
  /** From a name inside to the one below. */
  readonly down: (name: string) => string;
  /** From a name below to the one inside; undefined for names of others. */
  readonly up: (name: string) => string | undefined;
}

/** Throws BAD_CONFIG for a name that no namespace can have. */
export function namesOf(namespace: string): NamespaceNames {
  if (typeof namespace !== "string" || !NAME.test(namespace)) {
    throw new MillraceError(
      "BAD_CONFIG",
      `${JSON.stringify(namespace)} is no name for a namespace; use 1 to 50 letters, digits, underscores or hyphens, beginning with a letter or digit`,
      { details: { namespace } },
    );
  }
  const prefix = `${BEGINNING}${namespace}.`;
  return {
    namespace,
    down: (name) => prefix + name,
    up: (name) => (name.startsWith(prefix) ? name.slice(prefix.length) : undefined),
  };
}

/** The namespace that a name below belongs to; undefined for names outside of all. */
export function namespaceOf(name: string): string | undefined {
  if (!name.startsWith(BEGINNING)) return undefined;
  const end = name.indexOf(".", BEGINNING.length);
  return end === -1 ? undefined : name.slice(BEGINNING.length, end);
}
