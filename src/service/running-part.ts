/** One part at work: its inputs, opened and closed together. */

import type { GroupMember } from "../broker/streams.ts";
import { MillraceError } from "../model/errors.ts";
import { runPartition } from "./source/stream-input.ts";
import { runQueue } from "./source/queue-input.ts";
import type { PartRuntime } from "./source/part-runtime.ts";
import { outboxLane } from "./relay.ts";
import type { InputStatus, PartState, PartStatus } from "./running-service.ts";

export class RunningPart {
  readonly runtime: PartRuntime;
  readonly #stopQueues = new AbortController();
  readonly #runs: Promise<void>[] = [];
  #member: GroupMember | undefined;
  #state: PartState = "starting";

  constructor(runtime: PartRuntime) {
    this.runtime = runtime;
  }

  /** `failed` is told when the part cannot go on at all. */
  async start(failed: (error: unknown) => void): Promise<void> {
    const { runtime } = this;
    const { part, service, environment } = runtime;
    const streams = part.from.filter((channel) => channel.kind === "stream");
    if (streams.length > 0) {
      this.#member = await runtime.streams!.joinGroup({
        group: `${service}.${part.consumer}`,
        streams: streams.map(({ name }) => name),
        member: environment.ids.newId(),
        run: (assigned) => runPartition(runtime, assigned),
      });
      this.#watch(this.#member.ended, failed);
    }
    for (const channel of part.from) {
      if (channel.kind !== "queue") continue;
      this.#watch(runQueue(runtime, channel, this.#stopQueues.signal), failed);
    }
    this.#state = "running";
  }

  async stop(): Promise<void> {
    if (this.#state === "running") this.#state = "stopping";
    this.#stopQueues.abort(new MillraceError("CLOSED", "the service stops"));
    await this.#member?.close();
    await Promise.all(this.#runs);
    if (this.#state === "stopping") this.#state = "stopped";
  }

  /** The inputs' own view: a partition that is not assigned here is another process's to tell. */
  async status(): Promise<PartStatus> {
    const { part, counters, inputs } = this.runtime;
    const states = await Promise.all([...inputs.values()].map((input) => this.#inputStatus(input)));
    const paused = states.some((state) => state.paused !== undefined);
    return {
      name: part.name,
      kind: part.partKind,
      state: this.#state === "running" && paused ? "paused" : this.#state,
      inputs: states.toSorted((a, b) => (a.input < b.input ? -1 : 1)),
      handled: counters.handled,
      failed: counters.failed,
      duplicates: counters.duplicates,
      ignored: Object.fromEntries(counters.ignored),
    };
  }

  async #inputStatus(input: ReturnType<PartRuntime["inputs"]["get"]> & {}): Promise<InputStatus> {
    const { part, relay, streams, queues } = this.runtime;
    const { name, engine, position, partition } = input;
    const unpublished = relay.troubleOf(outboxLane(part.consumer, name));
    const common = {
      input: name,
      parked: engine.parked,
      ...(engine.paused !== undefined && { paused: engine.paused }),
      ...(unpublished !== undefined && { unpublished }),
    };
    if (position === undefined || partition === undefined) {
      const { waiting, delayed, leased } = await queues!.describeQueue(name);
      return { ...common, lag: waiting + delayed + leased };
    }
    const { partitions } = await streams!.describeStream(partition.stream);
    const end = partitions[partition.number]!.end;
    return { ...common, position, end, lag: Math.max(0, end - position) };
  }

  #watch(run: Promise<void>, failed: (error: unknown) => void): void {
    const watched = run.catch((error: unknown) => {
      if (this.#stopQueues.signal.aborted) return;
      this.#state = "failed";
      failed(error);
    });
    this.#runs.push(watched);
  }
}
