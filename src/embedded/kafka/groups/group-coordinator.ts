/**
 * The groups that Kafka clients form, at work: one machine a group, a timer for each, and the requests
 * that wait for an answer.
 *
 * Who is in a group is known in memory alone: after a restart its members are unknown and join again.
 * What it has committed is kept where the positions of every group are.
 */

import { assert } from "../../../model/assert.ts";
import type { Timer } from "../../../model/clock.ts";
import type { Engine } from "../../engine.ts";
import { ERROR } from "../error-codes.ts";
import {
  GroupMachine,
  type Answer,
  type GroupSettings,
  type JoinAnswer,
  type JoinRequest,
  type MemberClaim,
  type SyncAnswer,
  type SyncRequest,
} from "./group-machine.ts";

interface Group {
  readonly machine: GroupMachine;
  timer: Timer | undefined;
  timerAtMs: number;
}

export class GroupCoordinator {
  readonly #engine: Engine;
  readonly #settings: GroupSettings;
  readonly #groups = new Map<string, Group>();
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #tickets = 0;
  #closed = false;

  constructor(engine: Engine, settings: GroupSettings) {
    this.#engine = engine;
    this.#settings = settings;
  }

  /** The groups that have or had members since this process began. */
  get machines(): ReadonlyMap<string, GroupMachine> {
    return new Map([...this.#groups].map(([name, { machine }]) => [name, machine]));
  }

  machine(name: string): GroupMachine | undefined {
    return this.#groups.get(name)?.machine;
  }

  /** Whether members of this process, not Kafka clients, use the name now. */
  isTaken(name: string): boolean {
    return this.#engine.streams.groups.get(name)?.empty === false;
  }

  join(name: string, request: JoinRequest): Promise<JoinAnswer> {
    return this.#ask(name, (machine, ticket, nowMs) => machine.join(ticket, request, nowMs));
  }

  sync(name: string, request: SyncRequest): Promise<SyncAnswer> {
    return this.#ask(name, (machine, ticket, nowMs) => machine.sync(ticket, request, nowMs));
  }

  heartbeat(name: string, claim: MemberClaim): number {
    const group = this.#groups.get(name);
    return group?.machine.heartbeat(claim, this.#nowMs) ?? ERROR.UNKNOWN_MEMBER_ID;
  }

  leave(name: string, member: Pick<MemberClaim, "memberId" | "instanceId">): number {
    const group = this.#groups.get(name);
    if (group === undefined) return ERROR.UNKNOWN_MEMBER_ID;
    const { error, answers } = group.machine.leave(member, this.#nowMs);
    this.#deliver(group, answers);
    return error;
  }

  /** Whether the member may commit; whoever is no member may where there are none. */
  mayCommit(name: string, claim: MemberClaim): number {
    const group = this.#groups.get(name);
    if (group !== undefined) return group.machine.commit(claim, this.#nowMs);
    return claim.generation < 0 ? ERROR.NONE : ERROR.ILLEGAL_GENERATION;
  }

  /** Ends every wait. */
  close(): void {
    this.#closed = true;
    for (const { timer } of this.#groups.values()) timer?.cancel();
    for (const group of this.#groups.values()) {
      for (const { id } of Array.from(group.machine.members.values())) {
        this.#deliver(group, group.machine.leave({ memberId: id, instanceId: null }, 0).answers);
      }
    }
  }

  get #nowMs(): number {
    return this.#engine.environment.clock.monotonic();
  }

  #ask<Kind extends Answer>(
    name: string,
    ask: (machine: GroupMachine, ticket: number, nowMs: number) => readonly Answer[],
  ): Promise<Kind> {
    const group = this.#group(name);
    const ticket = ++this.#tickets;
    const answered = new Promise<Answer>((resolve) => this.#waiting.set(ticket, resolve));
    this.#deliver(group, ask(group.machine, ticket, this.#nowMs));
    // A ticket is answered by the kind of request that drew it.
    return answered as Promise<Kind>;
  }

  #group(name: string): Group {
    let group = this.#groups.get(name);
    if (group === undefined) {
      const { ids } = this.#engine.environment;
      const machine = new GroupMachine(this.#settings, (prefix) => `${prefix}-${ids.newId()}`);
      group = { machine, timer: undefined, timerAtMs: Infinity };
      this.#groups.set(name, group);
    }
    return group;
  }

  #deliver(group: Group, answers: readonly Answer[]): void {
    for (const answer of answers) {
      const resolve = this.#waiting.get(answer.ticket);
      assert(resolve !== undefined, "a request is answered once");
      this.#waiting.delete(answer.ticket);
      resolve(answer);
    }
    this.#arm(group);
  }

  /** Timers that are due too early find nothing to do and are set again; so a heartbeat moves none. */
  #arm(group: Group): void {
    const atMs = group.machine.wakeAtMs;
    if (this.#closed || atMs >= group.timerAtMs || atMs === Infinity) return;
    group.timer?.cancel();
    group.timerAtMs = atMs;
    group.timer = this.#engine.environment.clock.after(Math.max(0, atMs - this.#nowMs), () => {
      group.timerAtMs = Infinity;
      this.#deliver(group, group.machine.tick(this.#nowMs));
    });
  }
}
