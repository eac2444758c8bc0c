/**
 * Where failures are: the dead letters of each queue and the parked rows of each service's store,
 * behind one small interface, so that listing and repairing need not tell them apart.
 */

import type { DeadLetter, Queues } from "../broker/queues.ts";
import { MillraceError } from "../model/errors.ts";
import type { ParkedMessage } from "../store/store.ts";
import type { Failure, FailureFilter } from "./admin.ts";
import {
  compareNames,
  knownServices,
  queuesOf,
  type AdminContext,
  type KnownService,
} from "./context.ts";
import { formatFailureRef, type FailureRef } from "./failure-ref.ts";
import { showMessage } from "./shown-message.ts";

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

/** Queues before parts, each by name. Throws UNKNOWN_QUEUE, BAD_ARGUMENT for a part that is not here. */
export async function failurePlaces(
  context: AdminContext,
  { queue, part }: FailureFilter = {},
): Promise<readonly FailurePlace[]> {
  const queues = queue === undefined ? context.queues : queuesOf(context);
  const places: FailurePlace[] = [];
  if (queues !== undefined && part === undefined) {
    const infos =
      queue === undefined ? await queues.listQueues() : [await queues.describeQueue(queue)];
    const names = infos.map((info) => info.spec.name).toSorted(compareNames);
    places.push(...names.map((name) => queuePlace(queues, name)));
  }
  if (queue === undefined) {
    for (const known of knownServices(context)) {
      const consumers = known.service.parts
        .filter(({ name }) => part === undefined || part === `${known.service.name}.${name}`)
        .toSorted((a, b) => compareNames(a.name, b.name));
      places.push(...consumers.map(({ name, consumer }) => storePlace(known, name, consumer)));
    }
    if (part !== undefined && places.length === 0) {
      throw new MillraceError(
        "BAD_ARGUMENT",
        `no part ${JSON.stringify(part.slice(0, 100))} is known here; parts are named service.part`,
        {
          details: { argument: "part" },
        },
      );
    }
  }
  return places;
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

function storePlace(known: KnownService, part: string, consumer: string): FailurePlace {
  const { store, running } = known;
  const service = known.service.name;
  const repairs = running ?? store;
  const show = (parked: ParkedMessage): Failure => showParked(service, part, parked);

  async function* rows(from = 0): AsyncGenerator<ParkedMessage, void, undefined> {
    let after = from;
    for (;;) {
      const page = await store.listParked({ consumer, after, limit: PAGE_COUNT });
      yield* page;
      if (page.length < PAGE_COUNT) return;
      after = page.at(-1)!.row;
    }
  }
  async function* list(after?: FailureRef): AsyncGenerator<Failure, void, undefined> {
    for await (const parked of rows(after?.place === "store" ? after.row : 0)) yield show(parked);
  }
  const rowsOf = async (failures: readonly Failure[] | "all"): Promise<readonly number[]> => {
    if (failures !== "all") return failures.map(numberOf);
    const all: number[] = [];
    for await (const { row } of rows()) all.push(row);
    return all;
  };
  return {
    holds: (ref) => ref.place === "store" && ref.service === service && ref.part === part,
    list,
    async find(ref) {
      const row = ref.place === "store" ? ref.row : 0;
      const [parked] = await store.listParked({ consumer, after: row - 1, limit: 1 });
      return parked?.row === row ? show(parked) : undefined;
    },
    redrive: async (failures) => repairs.redriveParked(await rowsOf(failures)),
    discard: async (failures) => repairs.discardParked(await rowsOf(failures)),
    async countRedrive(failures) {
      const keys = new Set(failures === "all" ? [] : failures.map(keyOf));
      let count = 0;
      for await (const parked of rows()) {
        if (!parked.redrive && (failures === "all" || keys.has(keyOf(parked)))) count++;
      }
      return count;
    },
  };
}

/** Rows of one input and key are redriven together. */
function keyOf({ input, key = "" }: { readonly input: string; readonly key?: string }): string {
  return JSON.stringify([input, key]);
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
