/**
 * A group's way from one generation to the next.
 *
 * *empty*: no members. *joining*: members are waited for; joins are held. *syncing*: all have joined
 * and know the generation; syncs are held until the leader's assignments are there. *stable*: every
 * member may have its assignment.
 *
 *     empty ── a member joins ──▶ joining ── everybody has joined, or time is up ──▶ syncing
 *     stable, syncing ── somebody comes, goes or changes ──▶ joining
 *     syncing ── the leader's assignments ──▶ stable
 *     joining ── nobody is left ──▶ empty
 *
 * **The end of joining.** The first join of an empty group waits for a delay, so that a fleet that starts
 * together is assigned once; each delay in which another one came is followed by another delay, until the
 * longest rebalance timeout of the beginning is used up (KIP-134). Any other join ends when every member
 * has joined again and no promised id is outstanding, at the latest when the longest rebalance timeout
 * has passed since it began; who came meanwhile does not prolong it. Then those who have not joined are
 * removed, but for static ones: they keep their place until they are unheard for a session, or do not
 * sync. Where nobody has joined at all, the wait begins anew.
 *
 * **The end of syncing.** Whoever has not asked for its assignment a rebalance timeout after the
 * generation began is removed, a leader that never assigns among them.
 */

import { ERROR } from "../error-codes.ts";
import type { Answers } from "./answers.ts";
import { hear, NO_BYTES, type Member } from "./member.ts";
import { chooseProtocol } from "./protocols.ts";
import type { Roster } from "./roster.ts";

export type GroupPhase = "empty" | "joining" | "syncing" | "stable";

interface FirstJoin {
  /** Somebody came during the present delay. */
  joined: boolean;
  delayMs: number;
  /** What further delays may use. */
  leftMs: number;
}

export class Rebalance {
  phase: GroupPhase = "empty";
  generation = 0;
  protocolName: string | null = null;
  readonly #roster: Roster;
  readonly #answers: Answers;
  readonly #initialDelayMs: number;
  #first: FirstJoin | undefined;
  #joinEndsMs = Infinity;
  #syncEndsMs = Infinity;

  constructor(roster: Roster, answers: Answers, initialDelayMs: number) {
    this.#roster = roster;
    this.#answers = answers;
    this.#initialDelayMs = initialDelayMs;
  }

  get endsMs(): number {
    return this.phase === "joining" ? this.#joinEndsMs : this.#syncEndsMs;
  }

  /** Goes to joining, or stays there; a newcomer prolongs the first join. */
  begin(nowMs: number, { newcomer = false }: { readonly newcomer?: boolean } = {}): void {
    if (this.phase === "joining") {
      if (this.#first !== undefined && newcomer) this.#first.joined = true;
      return;
    }
    for (const member of this.#roster.members.values()) {
      if (this.phase === "syncing") member.assignment = NO_BYTES;
      // Its time has stood still while it waited.
      if (member.syncing !== undefined) hear(member, nowMs);
      this.#answers.refuseSync(member, ERROR.REBALANCE_IN_PROGRESS);
      member.synced = false;
    }
    this.#syncEndsMs = Infinity;
    const longestMs = this.#longestMs();
    if (this.phase === "empty" && this.#initialDelayMs > 0) {
      const delayMs = this.#initialDelayMs;
      this.#first = { joined: false, delayMs, leftMs: Math.max(longestMs - delayMs, 0) };
    }
    this.phase = "joining";
    this.#joinEndsMs = nowMs + (this.#first?.delayMs ?? longestMs);
  }

  /** Ends a join that is complete. */
  settle(nowMs: number): void {
    const { members, promised } = this.#roster;
    if (this.phase !== "joining" || promised.size > 0) return;
    if (this.#first !== undefined && members.size > 0) return;
    for (const { joining } of members.values()) if (joining === undefined) return;
    this.#endJoin(nowMs);
  }

  /** Gives every member what the leader wrote for it, or nothing. */
  assign(assignments: ReadonlyMap<string, Buffer>): void {
    for (const member of this.#roster.members.values()) {
      member.assignment = assignments.get(member.id) ?? NO_BYTES;
    }
    this.phase = "stable";
  }

  /** Answers the syncs that waited for the assignments. */
  answerSyncs(nowMs: number): void {
    const { members, protocolType } = this.#roster;
    let missing = 0;
    for (const member of members.values()) {
      if (!member.synced) missing++;
      if (member.syncing === undefined) continue;
      hear(member, nowMs);
      this.#answers.syncs(member, { protocolType, protocolName: this.protocolName });
    }
    if (missing === 0) this.#syncEndsMs = Infinity;
  }

  tick(nowMs: number): void {
    if (nowMs < this.endsMs) return;
    if (this.phase === "joining") this.#timeOutJoin(nowMs);
    else this.#timeOutSync(nowMs);
  }

  /** Tells the member of the present generation, and who leads it. */
  answerJoin(member: Member, told: { skipAssignment?: boolean; leader?: string } = {}): void {
    const { generation, protocolName } = this;
    const { skipAssignment = false, leader = this.#roster.leader ?? "" } = told;
    const answer = { generation, protocolName, leader, skipAssignment };
    this.#answers.joins(member, this.#roster, answer);
  }

  #timeOutJoin(nowMs: number): void {
    const first = this.#first;
    if (first !== undefined && first.joined && first.leftMs > 0) {
      const { delayMs, leftMs } = first;
      first.joined = false;
      first.delayMs = Math.min(this.#initialDelayMs, leftMs);
      first.leftMs = Math.max(leftMs - delayMs, 0);
      this.#joinEndsMs = nowMs + first.delayMs;
      return;
    }
    this.#endJoin(nowMs);
  }

  #timeOutSync(nowMs: number): void {
    this.#syncEndsMs = Infinity;
    for (const member of Array.from(this.#roster.members.values())) {
      if (!member.synced) this.#roster.remove(member);
    }
    this.begin(nowMs);
  }

  #endJoin(nowMs: number): void {
    const roster = this.#roster;
    for (const member of Array.from(roster.members.values())) {
      if (member.joining === undefined && member.profile.instanceId === null) roster.remove(member);
    }
    if (!roster.electJoined() && !roster.isEmpty) {
      this.#joinEndsMs = nowMs + this.#longestMs();
      return;
    }
    this.generation++;
    this.#first = undefined;
    this.#joinEndsMs = Infinity;
    if (roster.isEmpty) {
      this.phase = "empty";
      this.protocolName = null;
      return;
    }
    this.phase = "syncing";
    const profiles = Array.from(roster.members.values(), ({ profile }) => profile);
    this.protocolName = chooseProtocol(profiles) ?? null;
    for (const member of roster.members.values()) {
      member.fresh = false;
      hear(member, nowMs);
      this.answerJoin(member);
    }
    this.#syncEndsMs = nowMs + this.#longestMs();
  }

  #longestMs(): number {
    let longestMs = 0;
    for (const { profile } of this.#roster.members.values()) {
      longestMs = Math.max(longestMs, profile.rebalanceMs);
    }
    return longestMs;
  }
}
