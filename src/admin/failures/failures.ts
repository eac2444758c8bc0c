/** Looking at failures and repairing them, wherever they are; see `failure-places.ts`. */

import { MillraceError } from "../../model/errors.ts";
import type { Failure, FailureFilter, RepairOptions } from "../admin.ts";
import type { AdminContext } from "../context.ts";
import { failurePlaces, type FailurePlace } from "./failure-places.ts";
import { parseFailureRef } from "./failure-ref.ts";

const LIST_COUNT = 100;
const LIST_COUNT_MAX = 1_000;

export async function listFailures(
  context: AdminContext,
  {
    limit = LIST_COUNT,
    after,
    ...filter
  }: FailureFilter & { readonly limit?: number; readonly after?: string } = {},
): Promise<readonly Failure[]> {
  if (!Number.isInteger(limit) || limit < 1 || limit > LIST_COUNT_MAX) {
    throw new MillraceError(
      "BAD_ARGUMENT",
      `limit must be a whole number from 1 to ${LIST_COUNT_MAX}, not ${limit}`,
      {
        details: { argument: "limit" },
      },
    );
  }
  const places = await failurePlaces(context, filter);
  const afterRef = after === undefined ? undefined : parseFailureRef(after);
  const first = afterRef === undefined ? 0 : places.findIndex((place) => place.holds(afterRef));
  if (first < 0) throw unknownFailure(after!);
  const found: Failure[] = [];
  for (const [index, place] of places.slice(first).entries()) {
    if (found.length >= limit) break;
    for await (const failure of place.list(index === 0 ? afterRef : undefined)) {
      if (found.length >= limit) break;
      found.push(failure);
    }
  }
  return found;
}

export async function showFailure(context: AdminContext, ref: string): Promise<Failure> {
  const { failure } = await findFailure(await failurePlaces(context), ref);
  return failure;
}

/** Redrives or discards; both have the same choice, the same checks before, and the same dry run. */
export async function repair(
  context: AdminContext,
  action: "redrive" | "discard",
  failures: readonly string[] | FailureFilter,
  { dryRun = false, by = "unknown" }: RepairOptions = {},
): Promise<{ readonly count: number }> {
  let count = 0;
  for (const [place, chosen] of await choose(context, failures)) {
    count += dryRun ? await countOf(place, action, chosen) : await place[action](chosen);
  }
  if (!dryRun) {
    context.environment.log.info({ action, failures, count, by }, "failures were repaired");
  }
  return { count };
}

async function choose(
  context: AdminContext,
  failures: readonly string[] | FailureFilter,
): Promise<ReadonlyMap<FailurePlace, readonly Failure[] | "all">> {
  if (!isRefs(failures)) {
    const places = await failurePlaces(context, failures);
    return new Map(places.map((place) => [place, "all"] as const));
  }
  const places = await failurePlaces(context);
  const chosen = new Map<FailurePlace, Failure[]>();
  for (const ref of new Set(failures)) {
    const { place, failure } = await findFailure(places, ref);
    const others = chosen.get(place);
    if (others === undefined) chosen.set(place, [failure]);
    else others.push(failure);
  }
  return chosen;
}

function isRefs(failures: readonly string[] | FailureFilter): failures is readonly string[] {
  return Array.isArray(failures);
}

async function countOf(
  place: FailurePlace,
  action: "redrive" | "discard",
  chosen: readonly Failure[] | "all",
): Promise<number> {
  if (action === "redrive") return place.countRedrive(chosen);
  if (chosen !== "all") return chosen.length;
  let count = 0;
  for await (const _ of place.list()) count++;
  return count;
}

/** Throws UNKNOWN_DEAD_LETTER. */
export async function findFailure(
  places: readonly FailurePlace[],
  text: string,
): Promise<{ readonly place: FailurePlace; readonly failure: Failure }> {
  const ref = parseFailureRef(text);
  const place = places.find((candidate) => candidate.holds(ref));
  const failure = await place?.find(ref);
  if (place === undefined || failure === undefined) throw unknownFailure(text);
  return { place, failure };
}

function unknownFailure(ref: string): MillraceError {
  return new MillraceError(
    "UNKNOWN_DEAD_LETTER",
    `there is no failure ${ref.slice(0, 100)}; it was redriven or discarded, or its queue or part is not here; list failures to see what is left`,
    { details: { ref: ref.slice(0, 100) } },
  );
}
