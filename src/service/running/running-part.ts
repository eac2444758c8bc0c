/**
 * One part at work: its inputs, opened and closed together.
 *
 * A part is **running**, or **held**, when a person has paused it: all its inputs are closed, as at a
 * stop, and `release` opens them anew; or **stopped** for good.
 */

import type { GroupMember } from "../../broker/streams.ts";
import { MillraceError } from "../../model/errors.ts";
import { runPartition } from "../source/stream-input.ts";
import { runEvents } from "../source/event-input.ts";
import { runQueue } from "../source/queue-input.ts";
import { runTimers } from "../source/timer-input.ts";
import type { PartRuntime } from "../source/part-runtime.ts";
import { outboxLane } from "../outbox/lane.ts";
import type { InputStatus, PartState, PartStatus } from "./running-service.ts";

export class RunningPart {
  readonly runtime: PartRuntime;
  #failed: (error: unknown) => void = () => undefined;
  /** Of the inputs that are open; another one each time they are opened. */
  #stopQueues = new AbortController();
  #runs: Promise<void>[] = [];
  #member: GroupMember | undefined;
  #state: PartState = "starting";
  #held: string | undefined;
  /** Opening and closing one after the other. */
  #turn: Promise<void> = Promise.resolve();

  constructor(runtime: PartRuntime) {
    this.runtime = runtime;
  }

  /** Why a person's pause holds it, where one does. */
  get held(): string | undefined {
    return this.#held;
  }

  /** Whether its inputs are open, or about to be. */
  get working(): boolean {
    return this.#held === undefined && (this.#state === "starting" || this.#state === "running");
  }

  /** `failed` is told when the part cannot go on at all; with `held` it begins paused. */
  async start(failed: (error: unknown) => void, held?: string): Promise<void> {
    this.#failed = failed;
    this.#held = held;
    if (held === undefined) await this.#open();
    this.#state = "running";
  }

  /** Law 5 for this part alone: finishes what is out, and takes nothing new until `release`. */
  hold(why: string): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#held !== undefined || this.#state !== "running") return;
      this.#held = why;
      await this.#close(new MillraceError("CLOSED", why));
    });
  }

  release(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#held === undefined || this.#state !== "running") return;
      await this.#open();
      this.#held = undefined;
    });
  }

  stop(): Promise<void> {
    if (this.#state === "running") this.#state = "stopping";
    return this.#inTurn(async () => {
      await this.#close(new MillraceError("CLOSED", "the service stops"));
      if (this.#state === "stopping") this.#state = "stopped";
    });
  }

  #inTurn(act: () => Promise<void>): Promise<void> {
    const turn = this.#turn.then(act);
    this.#turn = turn.catch(() => undefined);
    return turn.finally(() => this.runtime.changed());
  }

  async #open(): Promise<void> {
    const { runtime } = this;
    this.#stopQueues = new AbortController();
    const { part, service, environment } = runtime;
    const streams = part.from.filter((channel) => channel.kind === "stream");
    if (streams.length > 0) {
      this.#member = await runtime.streams!.joinGroup({
        group: `${service}.${part.consumer}`,
        streams: streams.map(({ name }) => name),
        member: environment.ids.newId(),
        run: (assigned) => runPartition(runtime, assigned),
      });
      this.#watch(this.#member.ended);
    }
    if (part.fromStore !== undefined) {
      this.#watch(runEvents(runtime, this.#stopQueues.signal));
    }
    if (part.timers !== undefined && part.timers.length > 0) {
      this.#watch(runTimers(runtime, this.#stopQueues.signal));
    }
    for (const channel of part.from) {
      if (channel.kind !== "queue") continue;
      this.#watch(runQueue(runtime, channel, this.#stopQueues.signal));
    }
  }

  async #close(reason: MillraceError): Promise<void> {
    this.#stopQueues.abort(reason);
    await this.#member?.close();
    await Promise.all(this.#runs);
    this.#member = undefined;
    this.#runs = [];
  }

  /** The inputs' own view: a partition that is not assigned here is another process's to tell. */
  async status(): Promise<PartStatus> {
    const { part, counters, inputs } = this.runtime;
    const states = await Promise.all([...inputs.values()].map((input) => this.#inputStatus(input)));
    const paused = this.#held !== undefined || states.some((state) => state.paused !== undefined);
    return {
      name: part.name,
      kind: part.partKind,
      state: this.#state === "running" && paused ? "paused" : this.#state,
      inputs: states.toSorted((a, b) => (a.input < b.input ? -1 : 1)),
      handled: counters.handled,
      failed: counters.failed,
      duplicates: counters.duplicates,
      expired: counters.expired,
      durations: counters.durations.summary(),
      ignored: Object.fromEntries(counters.ignored),
      ...(counters.withheld > 0 && { withheld: counters.withheld }),
      ...(this.#held !== undefined && { held: this.#held }),
    };
  }

  async #inputStatus(input: ReturnType<PartRuntime["inputs"]["get"]> & {}): Promise<InputStatus> {
    const { part, relay, queues } = this.runtime;
    const { name, engine, position } = input;
    const unpublished = relay.troubleOf(outboxLane(part.consumer, name));
    const common = {
      input: name,
      parked: engine.parked,
      ...(engine.paused !== undefined && { paused: engine.paused }),
      ...(unpublished !== undefined && { unpublished }),
      ...(engine.stalled !== undefined && { stalled: engine.stalled }),
    };
    if (input.lag !== undefined) return { ...common, lag: await input.lag() };
    if (position === undefined || input.bounds === undefined) {
      const { waiting, delayed, leased } = await queues!.describeQueue(name);
      return { ...common, lag: waiting + delayed + leased };
    }
    const { end } = await input.bounds();
    return { ...common, position, end, lag: Math.max(0, end - position) };
  }

  #watch(run: Promise<void>): void {
    const { signal } = this.#stopQueues;
    const watched = run.catch((error: unknown) => {
      if (signal.aborted) return;
      this.#state = "failed";
      this.#failed(error);
    });
    this.#runs.push(watched);
  }
}
