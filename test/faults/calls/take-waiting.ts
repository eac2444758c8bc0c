import { setImmediate as turn } from "node:timers/promises";
import type { Lease, Queues } from "../../../src/broker/queues.ts";

const TURNS = 6;

/** Leases what waits now; none where the queue gives nothing, for whatever reason. */
export async function takeWaiting(queues: Queues, queue: string): Promise<readonly Lease[]> {
  const receiver = await queues.receive(queue, { credit: 100 });
  const taken: Lease[] = [];
  let failure: unknown;
  const taking = (async () => {
    for await (const leases of receiver) taken.push(...leases);
  })().catch((error: unknown) => {
    failure = error;
  });
  for (let count = 0; count < TURNS; count++) await turn();
  await receiver.close();
  await taking;
  if (failure !== undefined) throw failure;
  return taken;
}
