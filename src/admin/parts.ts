/** Finding parts and views by the names under which people know them. */

import { MillraceError } from "../model/errors.ts";
import type { Part } from "../service/part.ts";
import { knownServices, type AdminContext, type KnownService } from "./context.ts";

export interface FoundPart {
  readonly known: KnownService;
  readonly part: Part;
}

/**
 * By `service.part`, or with the name under which it keeps its progress, which is also that of its
 * group on the broker: to move only the group would change nothing. Undefined where there is none.
 */
export function findPart(context: AdminContext, name: string): FoundPart | undefined {
  return allParts(context).find(
    ({ known: { service }, part }) =>
      name === `${service.name}.${part.name}` || name === `${service.name}.${part.consumer}`,
  );
}

/** A view by its own name, or by `service.view` where two services have one of that name. */
export function findView(
  context: AdminContext,
  name: string,
): FoundPart & { readonly collection: string } {
  const views = allParts(context).flatMap(({ known, part }) =>
    part.viewCollection === undefined ? [] : [{ known, part, collection: part.viewCollection }],
  );
  const named = views.filter(
    ({ known, part }) => part.name === name || `${known.service.name}.${part.name}` === name,
  );
  const [first, second] = named;
  if (first !== undefined && second === undefined) return first;
  const full = (named.length > 0 ? named : views).map(
    ({ known, part }) => `${known.service.name}.${part.name}`,
  );
  const shown = JSON.stringify(name.slice(0, 100));
  if (first !== undefined) {
    throw new MillraceError(
      "BAD_ARGUMENT",
      `the view ${shown} stands in several services; use ${full.join(" or ")}`,
      {
        details: { argument: "view", known: full },
      },
    );
  }
  const there =
    full.length === 0 ? "no service with a view runs here" : `there are ${full.join(", ")}`;
  throw new MillraceError("UNKNOWN_VIEW", `there is no view ${shown}; ${there}`, {
    details: { view: name.slice(0, 100), known: full },
  });
}

/** Of all services: those that run here as they are at work now, the others as they are declared. */
export function allParts(context: AdminContext): readonly FoundPart[] {
  return knownServices(context).flatMap((known) =>
    (known.running?.parts ?? known.service.parts).map((part) => ({ known, part })),
  );
}
