/**
 * One group of Kafka clients at work: its machine, a timer, and the requests that wait for an answer.
 *
 * A request whose client has gone is answered all the same, into nothing; the member it came from is
 * dropped when its session ends.
 */

import type { StreamPartition } from "../../../broker/assignment.ts";
import type { OutsideMembers } from "../../../broker/in-process/stream/group.ts";
import { assert } from "../../../model/assert.ts";
import type { Clock, Timer } from "../../../model/clock.ts";
import { assignedPartitions, CONSUMER } from "./assigned-partitions.ts";
import { GroupMachine, type GroupSettings } from "./group-machine.ts";
import type { Answer, MemberName } from "./group-messages.ts";

export interface KafkaGroupOptions {
  readonly settings: GroupSettings;
  readonly clock: Clock;
  readonly newMemberId: (prefix: string) => string;
  /** How long a group is kept in which nobody is. */
  readonly vacantMs: number;
  /** Called when nobody has been in the group for so long, and again after as long. */
  readonly onVacant: () => void;
}

export class KafkaGroup implements OutsideMembers {
  readonly machine: GroupMachine;
  readonly #options: KafkaGroupOptions;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #tickets = 0;
  #timer: Timer | undefined;
  #timerAtMs = Infinity;
  #vacantSinceMs: number;
  #closed = false;

  constructor(options: KafkaGroupOptions) {
    this.#options = options;
    this.machine = new GroupMachine(options.settings, options.newMemberId);
    this.#vacantSinceMs = this.nowMs;
    this.deliver([]);
  }

  get nowMs(): number {
    return this.#options.clock.monotonic();
  }

  /** While a client has an id to come with, members of this process stay out, too. */
  get isEmpty(): boolean {
    return this.machine.isVacant;
  }

  *assignments(): Generator<StreamPartition & { readonly member: string }> {
    const { members, protocolType } = this.machine;
    if (protocolType !== CONSUMER) return;
    for (const { id: member, assignment } of members.values()) {
      for (const place of assignedPartitions(assignment)) yield { ...place, member };
    }
  }

  /** Resolves when the machine answers the ticket that `step` has given it. */
  ask<Kind extends Answer>(
    kind: Kind["kind"],
    step: (ticket: number) => readonly Answer[],
  ): Promise<Kind> {
    const ticket = ++this.#tickets;
    return new Promise<Kind>((resolve) => {
      this.#waiting.set(ticket, (answer) => {
        assert(isOf<Kind>(answer, kind), "a request is answered by an answer of its kind");
        resolve(answer);
      });
      this.deliver(step(ticket));
    });
  }

  leave(leaving: readonly MemberName[]): readonly number[] {
    const { errors, answers } = this.machine.leave(leaving, this.nowMs);
    this.deliver(answers);
    return errors;
  }

  /** Hands answers to those who wait for them, and sets the timer. */
  deliver(answers: readonly Answer[]): void {
    for (const answer of answers) {
      const resolve = this.#waiting.get(answer.ticket);
      assert(resolve !== undefined, "a request is answered once");
      this.#waiting.delete(answer.ticket);
      resolve(answer);
    }
    if (!this.machine.isVacant) this.#vacantSinceMs = Infinity;
    else if (this.#vacantSinceMs === Infinity) this.#vacantSinceMs = this.nowMs;
    this.#arm();
  }

  /** Refuses what waits. */
  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    const everyone = Array.from(this.machine.members.values(), ({ id, profile }) => ({
      memberId: id,
      instanceId: profile.instanceId,
    }));
    this.leave(everyone);
  }

  /** A timer that fires too early finds nothing to do and is set again; so a heartbeat moves none. */
  #arm(): void {
    const atMs = Math.min(this.machine.wakeAtMs, this.#vacantSinceMs + this.#options.vacantMs);
    if (this.#closed || atMs >= this.#timerAtMs || atMs === Infinity) return;
    this.#timer?.cancel();
    this.#timerAtMs = atMs;
    this.#timer = this.#options.clock.after(Math.max(0, atMs - this.nowMs), () => this.#wake());
  }

  #wake(): void {
    const { vacantMs, onVacant } = this.#options;
    this.#timerAtMs = Infinity;
    if (this.nowMs >= this.#vacantSinceMs + vacantMs) {
      this.#vacantSinceMs = this.nowMs;
      onVacant();
    }
    this.deliver(this.machine.tick(this.nowMs));
  }
}

function isOf<Kind extends Answer>(answer: Answer, kind: Kind["kind"]): answer is Kind {
  return answer.kind === kind;
}
