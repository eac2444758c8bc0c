/** The states of entities, by the names under which people know them. */

import { MillraceError } from "../../model/errors.ts";
import { documentJson } from "../../service/document-json.ts";
import { entityStateOf, type StateAt } from "../../service/unit/entity-state.ts";
import type { ShownState } from "../api/state-admin.ts";
import type { AdminContext } from "../context.ts";
import { parseOffsetExpression } from "../offset-expression.ts";
import { allParts, type FoundPart } from "../parts.ts";

export async function stateOf(
  context: AdminContext,
  entity: string,
  at: string | undefined,
): Promise<ShownState> {
  const slash = entity.indexOf("/");
  const { known, part } = findDecider(context, slash < 0 ? entity : entity.slice(0, slash));
  const key = slash < 0 ? "" : entity.slice(slash + 1);
  if (key === "") {
    throw new MillraceError(
      "BAD_ARGUMENT",
      `${JSON.stringify(entity.slice(0, 100))} names no entity; write ${part.name}/KEY`,
      { details: { argument: "entity" } },
    );
  }
  const found = await entityStateOf(known.store, part, key, moment(at));
  const { version, newest, state, last } = found;
  return {
    service: known.service.name,
    decider: part.name,
    key,
    version,
    newest,
    stateJson: documentJson(state),
    ...(last !== undefined && { last }),
  };
}

/** `17`, or `@2026-01-01T00:00` as everywhere in the tools. */
function moment(at: string | undefined): StateAt {
  if (at === undefined) return {};
  if (/^\d{1,15}$/.test(at)) return { atVersion: Number(at) };
  const expression = at.startsWith("@") ? parseOffsetExpression(at) : undefined;
  if (expression?.at === "time") return { atTimeMs: expression.timeMs };
  throw new MillraceError(
    "BAD_ARGUMENT",
    `${JSON.stringify(at.slice(0, 100))} is neither a version such as 17 nor a moment such as @2026-01-01T00:00`,
    { details: { argument: "at" } },
  );
}

function findDecider(context: AdminContext, name: string): FoundPart {
  const deciders = allParts(context).filter(({ part }) => part.partKind === "decider");
  const fullName = ({ known, part }: FoundPart): string => `${known.service.name}.${part.name}`;
  const named = deciders.filter((one) => one.part.name === name || fullName(one) === name);
  const [first, second] = named;
  if (first !== undefined && second === undefined) return first;
  const full = (named.length > 0 ? named : deciders).map(fullName);
  const shown = JSON.stringify(name.slice(0, 100));
  const why =
    first === undefined ? `there is no decider ${shown}` : `${shown} is in several services`;
  throw new MillraceError("BAD_ARGUMENT", `${why}; there is ${full.join(", ") || "none"}`, {
    details: { argument: "entity", known: full },
  });
}
