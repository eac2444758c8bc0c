/** What the tests of a group's machine share: a group on a clock of its own, and terse requests to it. */

import assert from "node:assert/strict";
import type {
  Answer,
  JoinAnswer,
  JoinRequest,
  MemberClaim,
  MemberName,
  SyncAnswer,
  SyncRequest,
} from "./group-messages.ts";
import { GroupMachine, type GroupSettings } from "./group-machine.ts";

export const SETTINGS: GroupSettings = {
  initialDelayMs: 100,
  sessionMsMin: 1_000,
  sessionMsMax: 100_000,
  firstJoinMs: 300_000,
  membersMax: 10,
};
export const SESSION_MS = 10_000;
export const REBALANCE_MS = 60_000;

/** A request, and its answer once there is one. */
export interface Asked<Kind extends Answer> {
  readonly ticket: number;
  answer: Kind | undefined;
}

export function waits({ answer }: Asked<Answer>): boolean {
  return answer === undefined;
}

export type JoinOptions = Partial<Omit<JoinRequest, "protocols">> & {
  /** Metadata by protocol. */
  readonly protocols?: Readonly<Record<string, string>>;
};

export class GroupStage {
  readonly machine: GroupMachine;
  nowMs = 0;
  readonly #asked = new Map<number, Asked<Answer>>();
  #tickets = 0;

  constructor(settings: Partial<GroupSettings> = {}) {
    let ids = 0;
    const newMemberId = (prefix: string): string => `${prefix}-${++ids}`;
    this.machine = new GroupMachine({ ...SETTINGS, ...settings }, newMemberId);
  }

  join({ protocols = { range: "" }, ...options }: JoinOptions = {}): Asked<JoinAnswer> {
    const asked = this.#ask<JoinAnswer>();
    const request: JoinRequest = {
      memberId: "",
      instanceId: null,
      clientId: "c",
      clientHost: "h",
      sessionMs: SESSION_MS,
      rebalanceMs: REBALANCE_MS,
      protocolType: "consumer",
      protocols: Object.entries(protocols).map(([name, text]) => ({
        name,
        metadata: Buffer.from(text),
      })),
      fetchesMemberId: false,
      maySkipAssignment: true,
      ...options,
    };
    this.#deliver(this.machine.join(asked.ticket, request, this.nowMs));
    return asked;
  }

  /** `assignments` is by member id, and only a leader's counts. */
  sync(
    claim: Pick<SyncRequest, "memberId" | "generation"> & Partial<SyncRequest>,
    assignments: Readonly<Record<string, string>> = {},
  ): Asked<SyncAnswer> {
    const asked = this.#ask<SyncAnswer>();
    const request: SyncRequest = {
      instanceId: null,
      protocolType: null,
      protocolName: null,
      assignments: Object.entries(assignments).map(([memberId, text]) => ({
        memberId,
        assignment: Buffer.from(text),
      })),
      ...claim,
    };
    this.#deliver(this.machine.sync(asked.ticket, request, this.nowMs));
    return asked;
  }

  heartbeat(memberId: string, generation: number, instanceId: string | null = null): number {
    return this.machine.heartbeat({ memberId, instanceId, generation }, this.nowMs);
  }

  commit(claim: Partial<MemberClaim>, options?: { readonly transactional: boolean }): number {
    const named = { memberId: "", instanceId: null, generation: -1, ...claim };
    return this.machine.commit(named, this.nowMs, options);
  }

  leave(...leaving: readonly Partial<MemberName>[]): readonly number[] {
    const named = leaving.map((name) => ({ memberId: "", instanceId: null, ...name }));
    const { errors, answers } = this.machine.leave(named, this.nowMs);
    this.#deliver(answers);
    return errors;
  }

  /** Lets time pass, waking the machine whenever it asks for it. */
  advance(ms: number): void {
    const targetMs = this.nowMs + ms;
    while (this.machine.wakeAtMs <= targetMs) this.wake();
    this.nowMs = targetMs;
  }

  /** Lets time pass until the join is over. */
  form(): void {
    while (this.machine.phase === "joining") this.wake();
  }

  /** Goes to the moment for which the machine waits. */
  wake(): void {
    const { wakeAtMs } = this.machine;
    this.nowMs = Math.max(this.nowMs, wakeAtMs);
    this.#deliver(this.machine.tick(this.nowMs));
    assert.ok(this.machine.wakeAtMs > this.nowMs || wakeAtMs === Infinity, "a tick does its work");
  }

  /** Joins so many members, the first of which leads, and gives each its own id as its assignment. */
  stable(members: readonly JoinOptions[]): string[] {
    const joins = members.map((options) => this.join(options));
    this.form();
    const ids = joins.map(({ answer }) => answer!.memberId);
    const { generation } = this.machine;
    const assignments = Object.fromEntries(ids.map((id) => [id, `for ${id}`]));
    for (const [index, memberId] of ids.entries()) {
      const { instanceId = null } = members[index]!;
      this.sync({ memberId, generation, instanceId }, assignments);
    }
    assert.equal(this.machine.phase, "stable");
    return ids;
  }

  #ask<Kind extends Answer>(): Asked<Kind> {
    const asked: Asked<Kind> = { ticket: ++this.#tickets, answer: undefined };
    this.#asked.set(asked.ticket, asked);
    return asked;
  }

  #deliver(answers: readonly Answer[]): void {
    for (const answer of answers) {
      const asked = this.#asked.get(answer.ticket);
      assert.ok(asked, "only what was asked is answered");
      assert.equal(asked.answer, undefined, "a request is answered once");
      asked.answer = answer;
    }
  }
}
