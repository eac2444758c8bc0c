/**
 * A queue as an input.
 *
 * A queue keeps no order across keys, delays messages and delivers them anew, so the place in a lane
 * says nothing about what came before; messages are known by their ids. Leases are accepted once
 * their messages are committed, and prolonged while they are worked on.
 *
 * Failures go back to the queue, which counts the attempts and keeps the dead letters; a queue with
 * `keyOrder` parks in the store instead, where later messages of the key can wait in order.
 */

import type { Lease, QueueReceiver } from "../../broker/queues.ts";
import { assert } from "../../model/assert.ts";
import { isMillraceError, MillraceError } from "../../model/errors.ts";
import type { QueueChannel } from "../../schema/declaration.ts";
import type { ParkCause } from "../../store/write-set.ts";
import type { Asker } from "../ask/asker.ts";
import { leasesOf, type Arrival } from "../input/arrival.ts";
import { InputEngine } from "../input/input-engine.ts";
import { LeaseKeeper } from "./lease-keeper.ts";
import { admit, rereadRow } from "./admission.ts";
import type { PartRuntime, StampedCommand } from "./part-runtime.ts";
import { persistently } from "./persistently.ts";
import { seenOf } from "./log-input.ts";

/** Leases held at one time. */
const CREDIT = 1024;

/** Works on the queue until `stop` aborts. Rejects if the queue cannot be received from. */
export async function runQueue(
  runtime: PartRuntime,
  declaration: QueueChannel,
  stop: AbortSignal,
): Promise<void> {
  const { part, store, environment, changed } = runtime;
  const queues = runtime.queues!;
  const input = declaration.name;
  const { epoch, lanes } = await persistently(runtime, stop, () =>
    store.readProgress(part.consumer, input),
  );
  const lost = (lease: Lease): void => {
    const arrival = engine.arrivalOf(lease);
    if (arrival !== undefined) engine.lose(arrival);
  };
  const keeper = new LeaseKeeper({ ...declaration, queues, environment, changed, lost });
  const tell = (what: Promise<unknown>): void => {
    what.then(changed, (error: unknown) => {
      // The lease ends by itself, and the message comes again; if it was committed, as a repeat.
      environment.log.warn({ queue: input, error: String(error) }, "a lease could not be settled");
    });
  };
  const source = {
    retry: (arrival: Arrival, delayMs: number, cause: ParkCause): void => {
      for (const lease of keeper.drop(leasesOf(arrival))) {
        tell(queues.release(lease, { delayMs: Math.round(delayMs), cause }));
      }
    },
    reject: (arrival: Arrival, cause: ParkCause): void => {
      const [lease, ...copies] = keeper.drop(leasesOf(arrival));
      if (lease !== undefined) tell(queues.reject(lease, cause));
      if (copies.length > 0) tell(queues.accept(copies));
    },
  };
  const engine = new InputEngine({
    ...runtime,
    input: { consumer: part.consumer, input, epoch },
    lanes,
    settlement: {
      settled: (arrivals) => keeper.accept(arrivals.flatMap(leasesOf)),
      expired: (arrivals) => keeper.accept(arrivals.flatMap(leasesOf)),
      ...(!declaration.keyOrder && { source }),
    },
    reread: (row) => rereadRow(runtime, row),
  });
  await persistently(runtime, stop, () => engine.start());
  const signal = AbortSignal.any([stop, engine.signal]);
  const receiver = await queues
    .receive(input, { credit: CREDIT, signal })
    .catch((error: unknown) => {
      engine.fail(error);
      throw error;
    });
  const ask = (command: StampedCommand, asker: Asker): void => {
    takeDirect(runtime, engine, command, asker).catch((error: unknown) => asker.failed(error));
  };
  runtime.inputs.set(input, { name: input, engine, ask });
  changed();
  try {
    await receive(runtime, receiver, engine, keeper);
  } finally {
    await receiver.close();
    const left = await engine.finish(runtime.deadlineMs());
    await keeper.settle();
    await giveBack(runtime, keeper.drop(left.flatMap(leasesOf)));
    keeper.stop();
    runtime.inputs.delete(input);
    changed();
  }
}

async function receive(
  runtime: PartRuntime,
  receiver: QueueReceiver,
  engine: InputEngine,
  keeper: LeaseKeeper,
): Promise<void> {
  for await (const leases of receiver) {
    const intake: { arrivals: Arrival[]; ignored: Arrival[] } = { arrivals: [], ignored: [] };
    keeper.hold(leases);
    for (const lease of leases) {
      const fallbackId = `${lease.queue}#${lease.sequence}`;
      const { message: raw, sentMs: receivedMs } = lease;
      admit(runtime, { raw, receivedMs, fallbackId, lease, byPlace: false }, intake);
    }
    const seen = await seenOf(runtime, engine, intake.arrivals);
    engine.ignore(intake.ignored);
    engine.accept(intake.arrivals, (id) => seen.has(id));
    await engine.room();
  }
  if (engine.failure !== undefined) throw engine.failure;
}

/**
 * Takes a command that somebody in this process asked, beside what the queue delivers: the same inbox,
 * the same line of its key, the same lane. Throws OVERLOADED where too much is in flight.
 */
async function takeDirect(
  runtime: PartRuntime,
  engine: InputEngine,
  { message: raw, envelope: stamped }: StampedCommand,
  asker: Asker,
): Promise<void> {
  if (engine.full) throw overloaded(runtime, engine);
  const intake: { arrivals: Arrival[]; ignored: Arrival[] } = { arrivals: [], ignored: [] };
  const receivedMs = runtime.environment.clock.now();
  const fallbackId = stamped.id;
  admit(runtime, { raw, stamped, receivedMs, fallbackId, asker, byPlace: false }, intake);
  const { arrivals } = intake;
  assert(arrivals[0] !== undefined, "a command that is asked is one that the part handles");
  if (!asker.repeatable) {
    engine.accept(arrivals, () => false);
    return;
  }
  const before = await engine.answeredBefore(arrivals[0].incoming.id);
  if (before !== undefined) {
    asker.answered(before);
    return;
  }
  const seen = await seenOf(runtime, engine, arrivals);
  if (engine.full) throw overloaded(runtime, engine);
  engine.accept(arrivals, (id) => seen.has(id));
}

function overloaded({ part }: PartRuntime, { input }: InputEngine): MillraceError {
  return new MillraceError(
    "OVERLOADED",
    `${part.name} has as many commands of "${input}" in flight as it takes, or is stopping; wait for earlier answers before asking more`,
    { details: { part: part.name, queue: input } },
  );
}

/** Hands back what was not begun, without counting it as a try. */
async function giveBack(
  { queues, environment }: PartRuntime,
  leases: readonly Lease[],
): Promise<void> {
  const results = await Promise.allSettled(
    leases.map((lease) => queues!.release(lease, { countAttempt: false })),
  );
  for (const result of results) {
    if (result.status === "rejected" && !isMillraceError(result.reason, "LEASE_LOST")) {
      environment.log.warn({ error: String(result.reason) }, "a lease could not be given back");
    }
  }
}
