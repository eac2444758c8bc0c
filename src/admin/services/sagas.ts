/** Instances of sagas over all services, whether they run here or only their stores are open. */

import { MillraceError } from "../../model/errors.ts";
import { Instances } from "../../service/instances/instances.ts";
import type { RepairOptions } from "../admin.ts";
import type { SagaFilter, SagaInstance, ShownSaga } from "../api/saga-admin.ts";
import type { AdminContext } from "../context.ts";
import { allParts, type FoundPart } from "../parts.ts";

const LIST_COUNT = 100;
const LIST_COUNT_MAX = 1_000;

export async function listSagas(
  context: AdminContext,
  { saga, status, limit = LIST_COUNT, after }: SagaFilter,
): Promise<{ readonly instances: readonly SagaInstance[]; readonly next?: string }> {
  if (!Number.isInteger(limit) || limit < 1 || limit > LIST_COUNT_MAX) {
    throw badArgument("limit", `limit must be a whole number from 1 to ${LIST_COUNT_MAX}`);
  }
  const sagas = saga === undefined ? sagasOf(context) : [findSaga(context, saga)];
  const begin = after === undefined ? undefined : parseCursor(after);
  const first = begin === undefined ? 0 : sagas.findIndex((one) => fullName(one) === begin.saga);
  if (first < 0) throw badArgument("after", `the saga of the cursor ${after} is not here`);
  const instances: SagaInstance[] = [];
  for (const [index, found] of sagas.slice(first).entries()) {
    let inner = index === 0 ? begin?.after : undefined;
    do {
      // A page is full, and another saga may have instances: it begins the next page.
      if (instances.length === limit) return { instances, next: formatCursor(found, inner) };
      const page = await instancesOf(context, found).list(found.part.name, {
        limit: limit - instances.length,
        ...(status !== undefined && { status }),
        ...(inner !== undefined && { after: inner }),
      });
      const { service } = found.known;
      const names = { service: service.name, saga: found.part.name };
      instances.push(...page.instances.map((instance) => ({ ...names, ...instance })));
      inner = page.next;
    } while (inner !== undefined);
  }
  return { instances };
}

export async function showSaga(
  context: AdminContext,
  saga: string,
  instance: string,
): Promise<ShownSaga> {
  const found = findSaga(context, saga);
  const shown = await instancesOf(context, found).show(found.part.name, instance);
  return { service: found.known.service.name, saga: found.part.name, ...shown };
}

export async function retrySaga(
  context: AdminContext,
  saga: string,
  instance: string,
  { dryRun = false, by = "unknown" }: RepairOptions,
): Promise<SagaInstance> {
  const found = findSaga(context, saga);
  const { known, part } = found;
  const before = await showSaga(context, saga, instance);
  if (before.status !== "stuck") {
    throw new MillraceError(
      "CONFLICT",
      `instance ${instance} of ${part.name} is ${before.status}; only a stuck one can be tried again`,
      { details: { saga: part.name, instance, status: before.status } },
    );
  }
  if (!dryRun) {
    if (known.running === undefined) await instancesOf(context, found).retry(part.name, instance);
    else await known.running.retrySaga(part.name, instance);
    const facts = { action: "retry", saga: fullName(found), instance, by };
    context.environment.log.info(facts, "the undo of a stuck saga is tried again");
  }
  const { stateJson: _state, steps: _steps, timers: _timers, ...summary } = before;
  return summary;
}

function instancesOf({ environment }: AdminContext, { known }: FoundPart): Instances {
  return new Instances(known.service, known.store, environment);
}

/** By service and name. */
function sagasOf(context: AdminContext): readonly FoundPart[] {
  return allParts(context).filter(({ part }) => part.instances !== undefined);
}

function fullName({ known, part }: FoundPart): string {
  return `${known.service.name}.${part.name}`;
}

/** Throws NOT_FOUND, naming the sagas there are; BAD_ARGUMENT for a name that several services have. */
function findSaga(context: AdminContext, name: string): FoundPart {
  const sagas = sagasOf(context);
  const named = sagas.filter((one) => one.part.name === name || fullName(one) === name);
  const [first, second] = named;
  if (first === undefined) {
    const there = sagas.map(fullName).join(", ") || "none";
    throw new MillraceError(
      "NOT_FOUND",
      `there is no saga ${JSON.stringify(name.slice(0, 100))}; there is ${there}`,
      { details: { saga: name.slice(0, 100) } },
    );
  }
  if (second === undefined) return first;
  throw badArgument(
    "saga",
    `${name} stands in several services; use ${named.map(fullName).join(" or ")}`,
  );
}

/** `SERVICE.SAGA:…`: names hold no colon. */
function formatCursor(found: FoundPart, after: string | undefined): string {
  return `${fullName(found)}:${after ?? ""}`;
}

function parseCursor(text: string): { readonly saga: string; readonly after?: string } {
  const colon = text.indexOf(":");
  if (colon < 0) throw badArgument("after", `${text.slice(0, 100)} is no cursor that a list gave`);
  const after = text.slice(colon + 1);
  return { saga: text.slice(0, colon), ...(after !== "" && { after }) };
}

function badArgument(argument: string, text: string): MillraceError {
  return new MillraceError("BAD_ARGUMENT", text, { details: { argument } });
}
