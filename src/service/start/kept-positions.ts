/** The positions that a store has kept, against the logs that are found. */

import type { Streams } from "../../broker/streams.ts";
import type { Store } from "../../store/store.ts";
import type { Part } from "../part.ts";
import { checkPosition, logOf } from "../source/log-position.ts";

/** Looks at all of them before any part begins. Throws POSITION_MISMATCH. */
export async function checkPositions(
  parts: readonly Part[],
  { store, streams }: { readonly store: Store; readonly streams: Streams | undefined },
): Promise<void> {
  const partOfConsumer = new Map(parts.map((part) => [part.consumer, part] as const));
  for (const { consumer, input, position, log } of await store.listProgress()) {
    const part = partOfConsumer.get(consumer);
    const slash = input.lastIndexOf("/");
    const stream = input.slice(0, slash);
    const reads = part?.from.some((each) => each.kind === "stream" && each.name === stream);
    if (part === undefined || slash === -1 || !reads) continue;
    const info = await streams!.describeStream(stream);
    const found = info.partitions[Number(input.slice(slash + 1))];
    checkPosition(
      { part: part.name, input, position, log },
      { log: logOf(info), end: found?.end ?? 0 },
    );
  }
}
