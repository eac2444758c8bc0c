/**
 * Where failures are: the dead letters of each queue and the parked rows of each service's store,
 * behind one small interface, so that listing and repairing need not tell them apart.
 */

import type { DeadLetter, Queues } from "../../broker/queues.ts";
import { MillraceError } from "../../model/errors.ts";
import type { ParkedMessage } from "../../store/store.ts";
import type { Failure, FailureFilter } from "../admin.ts";
import {
  compareNames,
  knownServices,
  queuesOf,
  type AdminContext,
  type KnownService,
} from "../context.ts";
import { formatFailureRef, type FailureRef } from "./failure-ref.ts";
import { findPart } from "../parts.ts";
import { showMessage } from "../shown-message.ts";

/** Failures fetched at a time. */
const PAGE_COUNT = 500;

export interface FailurePlace {
  /** Whether a reference points here. */
  holds(ref: FailureRef): boolean;
  /** All of them, or those after the one named, oldest first; fetched as they are asked for. */
  list(after?: FailureRef): AsyncGenerator<Failure, void, undefined>;
  find(ref: FailureRef): Promise<Failure | undefined>;
  redrive(failures: readonly Failure[] | "all"): Promise<number>;
  discard(failures: readonly Failure[] | "all"): Promise<number>;
  /** How many messages a redrive would concern. */
  countRedrive(failures: readonly Failure[] | "all"): Promise<number>;
}

/**
 * Queues before services, each by name. Throws UNKNOWN_QUEUE, BAD_ARGUMENT for a part that is not here,
 * and for a queue and a part: what one of them names would be passed over without a word.
 */
export async function failurePlaces(
  context: AdminContext,
  { queue, part }: FailureFilter = {},
): Promise<readonly FailurePlace[]> {
  if (queue !== undefined && part !== undefined) {
    throw new MillraceError(
      "BAD_ARGUMENT",
      "failures are those of a queue or those of a part; name one of them, not both",
      { details: { argument: "queue" } },
    );
  }
  const queues = queue === undefined ? context.queues : queuesOf(context);
  const places: FailurePlace[] = [];
  if (queues !== undefined && part === undefined) {
    const infos =
      queue === undefined ? await queues.listQueues() : [await queues.describeQueue(queue)];
    const names = infos.map((info) => info.spec.name).toSorted(compareNames);
    places.push(...names.map((name) => queuePlace(queues, name)));
  }
  if (part !== undefined) places.push(partPlace(context, part));
  else if (queue === undefined) {
    places.push(...knownServices(context).map((known) => storePlace(known)));
  }
  return places;
}

function partPlace(context: AdminContext, name: string): FailurePlace {
  const found = findPart(context, name);
  if (found !== undefined) return storePlace(found.known, found.part.consumer);
  throw new MillraceError(
    "BAD_ARGUMENT",
    `no part ${JSON.stringify(name.slice(0, 100))} is known here; parts are named service.part`,
    { details: { argument: "part" } },
  );
}

function queuePlace(queues: Queues, queue: string): FailurePlace {
  async function* list(after?: FailureRef): AsyncGenerator<Failure, void, undefined> {
    let last = after?.place === "queue" ? after.sequence : undefined;
    for (;;) {
      const page = await queues.listDeadLetters(queue, {
        limit: PAGE_COUNT,
        ...(last !== undefined && { after: last }),
      });
      yield* page.map(showDeadLetter);
      if (page.length < PAGE_COUNT) return;
      last = page.at(-1)!.sequence;
    }
  }
  const sequencesOf = (failures: readonly Failure[] | "all"): readonly number[] | "all" =>
    failures === "all" ? "all" : failures.map(numberOf);
  return {
    holds: (ref) => ref.place === "queue" && ref.queue === queue,
    list,
    async find(ref) {
      const wanted = formatFailureRef(ref);
      for await (const failure of list()) if (failure.ref === wanted) return failure;
      return undefined;
    },
    redrive: (failures) => queues.redriveDeadLetters(queue, sequencesOf(failures)),
    discard: (failures) => queues.discardDeadLetters(queue, sequencesOf(failures)),
    countRedrive: async (failures) =>
      failures === "all" ? (await queues.describeQueue(queue)).deadLetters : failures.length,
  };
}

/** All that a service parked, or one consumer of it; also what a part of an earlier release left. */
function storePlace({ service, store, running }: KnownService, consumer?: string): FailurePlace {
  const repairs = running ?? store;
  const chosen = consumer === undefined ? {} : { consumer };
  const show = (parked: ParkedMessage): Failure => {
    const part = service.parts.find((known) => known.consumer === parked.consumer);
    return showParked(service.name, part?.name ?? parked.consumer, parked);
  };

  async function* failures(from = 0): AsyncGenerator<Failure, void, undefined> {
    let after = from;
    for (;;) {
      const page = await store.listParked({ ...chosen, after, limit: PAGE_COUNT });
      yield* page.map(show);
      if (page.length < PAGE_COUNT) return;
      after = page.at(-1)!.row;
    }
  }
  const rowsOf = async (which: readonly Failure[] | "all"): Promise<readonly number[]> => {
    if (which !== "all") return which.map(numberOf);
    const rows: number[] = [];
    for await (const failure of failures()) rows.push(numberOf(failure));
    return rows;
  };
  return {
    holds: (ref) => ref.place === "store" && ref.service === service.name,
    list: (after) => failures(after?.place === "store" ? after.row : 0),
    async find(ref) {
      if (ref.place !== "store") return undefined;
      const [parked] = await store.listParked({ ...chosen, after: ref.row - 1, limit: 1 });
      const failure = parked === undefined ? undefined : show(parked);
      return failure?.ref === formatFailureRef(ref) ? failure : undefined;
    },
    redrive: async (which) => repairs.redriveParked(await rowsOf(which)),
    discard: async (which) => repairs.discardParked(await rowsOf(which)),
    async countRedrive(which) {
      const keys = new Set(which === "all" ? [] : which.map(keyOf));
      let count = 0;
      for await (const failure of failures()) {
        if (!failure.redriving && (which === "all" || keys.has(keyOf(failure)))) count++;
      }
      return count;
    },
  };
}

/** Rows of one part, input and key are redriven together. */
function keyOf({ part = "", input, key = "" }: Failure): string {
  return JSON.stringify([part, input, key]);
}

/** The sequence or row: the last field of the reference. */
function numberOf({ ref }: Failure): number {
  return Number(ref.slice(ref.lastIndexOf(":") + 1));
}

function showDeadLetter(dead: DeadLetter): Failure {
  const { queue, sequence, message, attempts, sentMs, deadMs, cause } = dead;
  const key = typeof message.key === "string" ? message.key : undefined;
  return {
    place: "queue",
    ref: formatFailureRef({ place: "queue", queue, sequence }),
    input: queue,
    ...(key !== undefined && { key }),
    failedMs: deadMs,
    attempts,
    cause: { code: cause.code, message: cause.message },
    waiting: false,
    redriving: false,
    ...showMessage(message, sentMs),
  };
}

function showParked(service: string, part: string, parked: ParkedMessage): Failure {
  const { row, input, key, parkedMs, cause, redrive, message } = parked;
  return {
    place: "store",
    ref: formatFailureRef({ place: "store", service, part, row }),
    input,
    part: `${service}.${part}`,
    key,
    failedMs: parkedMs,
    attempts: cause?.attempts ?? 0,
    ...(cause !== undefined && {
      cause: {
        code: cause.code,
        message: cause.message,
        ...(cause.stack !== undefined && { stack: cause.stack }),
      },
    }),
    waiting: cause === undefined,
    redriving: redrive,
    ...showMessage(message, parkedMs),
  };
}
