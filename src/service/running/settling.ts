/**
 * Waiting until a service has come to rest: nothing in flight, the outbox empty, every input at the
 * end of its log. What the service's own relay publishes meanwhile is waited for too, so that a chain
 * of parts is done when this resolves.
 */

import { EVENTS_INPUT } from "../source/event-input.ts";
import type { PartRuntime } from "../source/part-runtime.ts";
import { TIMER_INPUT } from "../source/timer-input.ts";
import type { ServiceParts } from "./service-parts.ts";
import type { RunningPart } from "./running-part.ts";
import type { Relay } from "../outbox/relay.ts";

/** Resolves callers of `next` whenever something has changed. */
export class ChangeSignal {
  #waiters: (() => void)[] = [];
  #scheduled = false;

  /** Many changes of one moment wake the waiters once. */
  readonly changed = (): void => {
    if (this.#scheduled || this.#waiters.length === 0) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      for (const wake of this.#waiters.splice(0)) wake();
    });
  };

  next(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const onAbort = (): void => reject(signal?.reason);
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#waiters.push(() => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      });
    });
  }
}

export async function settled(
  {
    parts,
    relay,
    changes,
  }: {
    readonly parts: ServiceParts;
    readonly relay: Relay;
    readonly changes: ChangeSignal;
  },
  signal: AbortSignal | undefined,
): Promise<void> {
  for (;;) {
    const published = relay.publishedCount;
    const ends = await endsOf(parts.all);
    const atRest = (): boolean =>
      isAtRest(parts.all, ends) && parts.views.every((view) => view.atRest) && relay.idle;
    for (;;) {
      const change = changes.next(signal);
      change.catch(() => undefined);
      if (atRest() && (await queuesEmpty(parts.all))) break;
      await change;
    }
    if (relay.publishedCount === published && atRest()) return;
  }
}

/** The end of each partition that the parts read, by input name; of all parts together. */
async function endsOf(parts: readonly RunningPart[]): Promise<ReadonlyMap<string, number>> {
  const ends = new Map<string, number>();
  for (const { runtime } of parts) {
    if (runtime.part.fromStore !== undefined && !ends.has(EVENTS_INPUT)) {
      ends.set(EVENTS_INPUT, await runtime.feed.end());
    }
    for (const channel of runtime.part.from) {
      if (channel.kind !== "stream" || ends.has(`${channel.name}/0`)) continue;
      const { partitions } = await runtime.streams!.describeStream(channel.name);
      for (const { partition, end } of partitions) ends.set(`${channel.name}/${partition}`, end);
    }
  }
  return ends;
}

/** Throws what ended an input: it will not come to rest. */
function isAtRest(parts: readonly RunningPart[], ends: ReadonlyMap<string, number>): boolean {
  for (const { runtime } of parts) {
    for (const { engine } of runtime.inputs.values()) {
      if (engine.failure !== undefined) throw engine.failure;
    }
  }
  return parts.every(({ runtime, held }) => {
    if (held !== undefined) return true;
    const { part, inputs } = runtime;
    const isAtEnd = (name: string): boolean => {
      const input = inputs.get(name);
      if (input === undefined || !input.engine.idle) return false;
      return (input.position ?? 0) >= (ends.get(name) ?? 0);
    };
    if (part.fromStore !== undefined && !isAtEnd(EVENTS_INPUT)) return false;
    if (!areTimersAtRest(runtime)) return false;
    return part.from.every((channel) => {
      if (channel.kind === "queue") return inputs.get(channel.name)?.engine.idle === true;
      const names = [...ends.keys()];
      return names
        .filter((name) => name.slice(0, name.lastIndexOf("/")) === channel.name)
        .every(isAtEnd);
    });
  });
}

/** Timers that are not due yet are at rest. */
function areTimersAtRest({ part, inputs }: PartRuntime): boolean {
  if (part.timers === undefined || part.timers.length === 0) return true;
  const input = inputs.get(TIMER_INPUT);
  return input !== undefined && input.engine.idle && input.atRest?.() === true;
}

async function queuesEmpty(parts: readonly RunningPart[]): Promise<boolean> {
  for (const { runtime, held } of parts) {
    for (const channel of held === undefined ? runtime.part.from : []) {
      if (channel.kind !== "queue") continue;
      const { waiting, leased } = await runtime.queues!.describeQueue(channel.name);
      if (waiting + leased > 0) return false;
    }
  }
  return true;
}
