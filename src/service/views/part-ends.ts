/** How far a part's inputs reach, also those that are not at work just now. */

import type { RunningPart } from "../running/running-part.ts";
import { EVENTS_INPUT } from "../source/event-input.ts";

/** The end of each log that the part reads, by the name of its input. */
export async function endsOf({ runtime }: RunningPart): Promise<ReadonlyMap<string, number>> {
  const { part, streams, feed } = runtime;
  const ends = new Map<string, number>();
  if (part.fromStore !== undefined) ends.set(EVENTS_INPUT, await feed.end());
  for (const channel of part.from) {
    if (channel.kind !== "stream") continue;
    const { partitions } = await streams!.describeStream(channel.name);
    for (const { partition, end } of partitions) ends.set(`${channel.name}/${partition}`, end);
  }
  return ends;
}

export interface PartProgress {
  /** Messages that the logs still hold and that are finished. */
  readonly done: number;
  readonly total: number;
}

/** Of all its logs together; what is not at work counts by what the store knows of it. */
export async function progressOf({ runtime }: RunningPart): Promise<PartProgress> {
  const { part, store, streams, feed, inputs } = runtime;
  const kept = new Map<string, number>();
  for (const { consumer, input, position } of await store.listProgress()) {
    if (consumer === part.consumer) kept.set(input, position);
  }
  const sum = { done: 0, total: 0 };
  const add = (input: string, earliest: number, end: number): void => {
    const position = inputs.get(input)?.position ?? kept.get(input) ?? 0;
    sum.total += end - earliest;
    sum.done += Math.min(end, Math.max(earliest, position)) - earliest;
  };
  if (part.fromStore !== undefined) add(EVENTS_INPUT, 1, Math.max(1, await feed.end()));
  for (const channel of part.from) {
    if (channel.kind !== "stream") continue;
    const { partitions } = await streams!.describeStream(channel.name);
    for (const { partition, earliest, end } of partitions) {
      add(`${channel.name}/${partition}`, earliest, end);
    }
  }
  return sum;
}

export async function lagBehind(part: RunningPart): Promise<number> {
  const { done, total } = await progressOf(part);
  return total - done;
}
