/** From finished units to a batch for the store. Pure. */

import type { Batch, BatchInput, Incoming, WriteSet } from "../../store/write-set.ts";
import type { Decision } from "../part.ts";
import type { ParkCause } from "../../store/write-set.ts";
import { incomingOf, type Arrival } from "./arrival.ts";
import type { Unit } from "./key-lanes.ts";

/** A unit whose outcome waits to be committed. */
export interface Ready {
  readonly unit: Unit;
  /** The arrivals that the commit settles: a unit's first ones. */
  readonly arrivals: readonly Arrival[];
  readonly decision?: Decision;
  /** Parks the one arrival under its own id, so that nothing waits behind it. */
  readonly alone?: ParkCause;
}

const NOTHING_DONE = "-";

/** `settled` are messages that need nothing but to be noted: ignored ones, and such as came again. */
export function batchOf(
  input: BatchInput,
  lane: string,
  ready: readonly Ready[],
  settled: readonly Arrival[],
): Batch {
  const sets = ready.map((each, index) => setOf(String(index), each));
  if (settled.length > 0) {
    sets.push({ key: NOTHING_DONE, finishes: settled.map(({ incoming }) => incoming) });
  }
  return { input, lane, sets };
}

function setOf(key: string, { unit, arrivals, decision, alone }: Ready): WriteSet {
  const finishes: Incoming[] = [];
  const unpark: number[] = [];
  for (const arrival of arrivals) {
    if (arrival.row !== undefined) unpark.push(arrival.row);
    else if (arrival.repeats === undefined) finishes.push(arrival.incoming);
    else finishes.push(...incomingOf(arrival));
  }
  if (unit.kind === "repark") {
    return { key, finishes, repark: [{ row: unit.arrivals[0].row!, cause: unit.cause }] };
  }
  const [first] = arrivals;
  if (alone !== undefined && first !== undefined) {
    const { incoming, raw } = first;
    const park = [{ key: incoming.id, incoming, message: raw, cause: alone }];
    return { key, finishes, park };
  }
  if (unit.kind === "park") {
    const park = arrivals.map(({ incoming, raw }, index) => ({
      key: unit.key,
      incoming,
      message: raw,
      ...(index === 0 && unit.cause !== undefined && { cause: unit.cause }),
    }));
    return { key, finishes, park };
  }
  return {
    key,
    finishes,
    ...decision?.writes,
    ...(decision !== undefined && decision.outgoing.length > 0 && { outgoing: decision.outgoing }),
    ...(unpark.length > 0 && { unpark }),
  };
}
