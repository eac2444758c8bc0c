/**
 * The classic group protocol of Kafka as a machine without I/O or clock: requests and the time go in,
 * answers come out. The group's members choose a leader, the leader assigns the partitions, the broker
 * only sees to it that all of them act on the same generation. What they write to one another
 * (subscriptions, assignments) is opaque here.
 *
 * Three parts: `roster.ts` knows who is in the group, `rebalance.ts` leads from one generation to the
 * next, and this class says what each request does to both. Every ticket that goes in comes out with
 * exactly one answer, at the latest when the times of the members have passed.
 *
 * Whoever drives the machine calls `tick` when `wakeAtMs` has come. Times are those of a clock that
 * never goes back.
 *
 * Sources: KIP-62 (heartbeats), KIP-134 (initial delay), KIP-345 (static members), KIP-389 (size),
 * KIP-394 (member ids), KIP-559 (protocols named at sync), KIP-814 (a static leader that returns).
 */

import { ERROR } from "../error-codes.ts";
import { Answers } from "./answers.ts";
import type {
  Answer,
  JoinRequest,
  MemberClaim,
  MemberName,
  SyncRequest,
} from "./group-messages.ts";
import { hear, mayExpire, NO_BYTES, type Member, type Ticket } from "./member.ts";
import { chooseProtocol, sameProtocols } from "./protocols.ts";
import { Rebalance, type GroupPhase } from "./rebalance.ts";
import { Roster } from "./roster.ts";

export interface GroupSettings {
  readonly initialDelayMs: number;
  readonly sessionMsMin: number;
  readonly sessionMsMax: number;
  /** After so long, a first join that still waits is refused: its client comes again, if it is there. */
  readonly firstJoinMs: number;
  readonly membersMax: number;
}

export class GroupMachine {
  readonly #settings: GroupSettings;
  readonly #newMemberId: (prefix: string) => string;
  readonly #answers: Answers = new Answers();
  readonly #roster: Roster = new Roster();
  readonly #rebalance: Rebalance;

  constructor(settings: GroupSettings, newMemberId: (prefix: string) => string) {
    this.#settings = settings;
    this.#newMemberId = newMemberId;
    this.#rebalance = new Rebalance(this.#roster, this.#answers, settings.initialDelayMs);
  }

  get phase(): GroupPhase {
    return this.#rebalance.phase;
  }

  get generation(): number {
    return this.#rebalance.generation;
  }

  /** What the members are; of a group that is empty, what they were; null before the first. */
  get protocolType(): string | null {
    return this.#roster.protocolType;
  }

  get protocolName(): string | null {
    return this.#rebalance.protocolName;
  }

  get leader(): string | undefined {
    return this.#roster.leader;
  }

  get members(): ReadonlyMap<string, Readonly<Member>> {
    return this.#roster.members;
  }

  /** Nobody is in it, and nobody has an id to come with. */
  get isVacant(): boolean {
    return this.phase === "empty" && this.#roster.promised.size === 0;
  }

  /** When `tick` should be called next; Infinity where nothing is waited for. */
  get wakeAtMs(): number {
    let wakeMs = this.#rebalance.endsMs;
    for (const endsMs of this.#roster.promised.values()) wakeMs = Math.min(wakeMs, endsMs);
    for (const member of this.#roster.members.values()) {
      if (mayExpire(member)) wakeMs = Math.min(wakeMs, member.sessionEndsMs);
    }
    return wakeMs;
  }

  join(ticket: Ticket, request: JoinRequest, nowMs: number): readonly Answer[] {
    const { memberId, sessionMs } = request;
    const { sessionMsMin, sessionMsMax } = this.#settings;
    if (sessionMs < sessionMsMin || sessionMs > sessionMsMax) {
      this.#answers.refuse(ticket, memberId, ERROR.INVALID_SESSION_TIMEOUT);
    } else if (!this.#hasRoom(request)) {
      const member = this.#roster.members.get(memberId);
      if (member !== undefined) this.#remove(member, nowMs);
      this.#roster.promised.delete(memberId);
      this.#answers.refuse(ticket, "", ERROR.GROUP_MAX_SIZE_REACHED);
    } else if (!this.#roster.fits(request)) {
      this.#answers.refuse(ticket, memberId, ERROR.INCONSISTENT_GROUP_PROTOCOL);
    } else if (memberId === "") {
      this.#joinUnknown(ticket, request, nowMs);
    } else {
      this.#joinKnown(ticket, request, nowMs);
    }
    return this.#take(nowMs);
  }

  sync(ticket: Ticket, request: SyncRequest, nowMs: number): readonly Answer[] {
    const error = this.#checkSync(request);
    if (error !== ERROR.NONE) {
      this.#answers.refuseSyncTicket(ticket, error);
      return this.#take(nowMs);
    }
    const member = this.#roster.member(request.memberId);
    hear(member, nowMs);
    member.synced = true;
    // A client that asks twice has given up waiting for the first answer.
    this.#answers.refuseSync(member, ERROR.REBALANCE_IN_PROGRESS);
    member.syncing = ticket;
    if (this.phase === "syncing" && member.id === this.leader) {
      const { assignments } = request;
      this.#rebalance.assign(new Map(assignments.map((one) => [one.memberId, one.assignment])));
    }
    if (this.phase === "stable") this.#rebalance.answerSyncs(nowMs);
    return this.#take(nowMs);
  }

  /** Returns the error code. */
  heartbeat(claim: MemberClaim, nowMs: number): number {
    const error = this.#check(claim);
    if (error !== ERROR.NONE) return error;
    hear(this.#roster.member(claim.memberId), nowMs);
    return this.phase === "joining" ? ERROR.REBALANCE_IN_PROGRESS : ERROR.NONE;
  }

  /** Returns an error code for each, and what others are told in consequence. */
  leave(
    leaving: readonly MemberName[],
    nowMs: number,
  ): { readonly errors: readonly number[]; readonly answers: readonly Answer[] } {
    const errors = leaving.map((name) => this.#leave(name, nowMs));
    return { errors, answers: this.#take(nowMs) };
  }

  /**
   * Whether offsets may be committed under this claim, as an error code; a commit counts as a heartbeat.
   * Whoever is no member may where there are none; within a transaction always, because the first
   * versions of that request name no member.
   */
  commit(
    claim: MemberClaim,
    nowMs: number,
    { transactional = false }: { readonly transactional?: boolean } = {},
  ): number {
    const { memberId, instanceId, generation } = claim;
    if (generation < 0 && this.phase === "empty") return ERROR.NONE;
    if (generation < 0 && memberId === "" && instanceId === null) {
      return transactional ? ERROR.NONE : ERROR.UNKNOWN_MEMBER_ID;
    }
    const error = this.#check(claim);
    if (error !== ERROR.NONE) return error;
    if (this.phase === "syncing" && !transactional) return ERROR.REBALANCE_IN_PROGRESS;
    hear(this.#roster.member(memberId), nowMs);
    return ERROR.NONE;
  }

  /** Takes note that time has passed. */
  tick(nowMs: number): readonly Answer[] {
    const { members, promised } = this.#roster;
    for (const [id, endsMs] of promised) if (endsMs <= nowMs) promised.delete(id);
    for (const member of Array.from(members.values())) {
      if (mayExpire(member) && member.sessionEndsMs <= nowMs) this.#remove(member, nowMs);
    }
    this.#rebalance.tick(nowMs);
    return this.#take(nowMs);
  }

  #joinUnknown(ticket: Ticket, request: JoinRequest, nowMs: number): void {
    const { instanceId, clientId, fetchesMemberId, sessionMs } = request;
    const id = this.#newMemberId(instanceId ?? clientId);
    const replaced = this.#roster.ofInstance(instanceId);
    if (replaced !== undefined) {
      this.#replace(replaced, id, { ticket, request, nowMs });
    } else if (instanceId === null && fetchesMemberId) {
      this.#roster.promised.set(id, nowMs + sessionMs);
      this.#answers.refuse(ticket, id, ERROR.MEMBER_ID_REQUIRED);
    } else {
      this.#add(id, { ticket, request, nowMs });
    }
  }

  #joinKnown(ticket: Ticket, request: JoinRequest, nowMs: number): void {
    const { memberId, instanceId } = request;
    if (instanceId === null && this.#roster.promised.has(memberId)) {
      this.#add(memberId, { ticket, request, nowMs });
      return;
    }
    const error = this.#roster.check(request);
    if (error !== ERROR.NONE) {
      this.#answers.refuse(ticket, memberId, error);
      return;
    }
    const member = this.#roster.member(memberId);
    const unchanged = sameProtocols(member.profile.protocols, request.protocols);
    this.#update(member, { ticket, request, nowMs });
    // It has missed the answer to its join. A leader that joins again wants to assign again.
    const repeated =
      this.phase === "syncing" || (this.phase === "stable" && memberId !== this.leader);
    if (unchanged && repeated) this.#rebalance.answerJoin(member);
    else this.#rebalance.begin(nowMs);
  }

  /**
   * A static member has come back and gets another id. It takes up its assignment where the group need
   * not choose another protocol for it, whatever else has changed in what it says of itself.
   */
  #replace(old: Member, id: string, join: Join): void {
    this.#answers.refuseJoin(old, ERROR.FENCED_INSTANCE_ID);
    this.#answers.refuseSync(old, ERROR.FENCED_INSTANCE_ID);
    const leader = this.leader;
    const member: Member = { ...old, id, fresh: false };
    this.#roster.replace(old, member);
    this.#update(member, join);
    const profiles = Array.from(this.#roster.members.values(), ({ profile }) => profile);
    if (this.phase !== "stable" || chooseProtocol(profiles) !== this.protocolName) {
      this.#rebalance.begin(join.nowMs);
    } else if (join.request.maySkipAssignment) {
      this.#rebalance.answerJoin(member, { skipAssignment: this.leader === id });
    } else {
      // An older client would assign again if it heard that it leads; so it is told of its former self.
      this.#rebalance.answerJoin(member, { leader: leader ?? "" });
    }
  }

  #add(id: string, { ticket, request, nowMs }: Join): void {
    const member: Member = {
      id,
      profile: profileOf(request),
      assignment: NO_BYTES,
      joining: ticket,
      syncing: undefined,
      synced: false,
      fresh: true,
      sessionEndsMs: nowMs + this.#settings.firstJoinMs,
    };
    this.#roster.add(member, request.protocolType);
    this.#rebalance.begin(nowMs, { newcomer: true });
  }

  #update(member: Member, { ticket, request, nowMs }: Join): void {
    // A client that joins twice has given up waiting for the first answer.
    this.#answers.refuseJoin(member, ERROR.REBALANCE_IN_PROGRESS);
    // A static member need not name its instance again once it has its member id.
    member.profile = { ...profileOf(request), instanceId: member.profile.instanceId };
    member.joining = ticket;
    if (!member.fresh) hear(member, nowMs);
  }

  #leave({ memberId, instanceId }: MemberName, nowMs: number): number {
    if (this.#roster.promised.delete(memberId)) return ERROR.NONE;
    // An operator removes a static member by its instance alone.
    const id = memberId === "" ? (this.#roster.ofInstance(instanceId)?.id ?? "") : memberId;
    const error = this.#roster.check({ memberId: id, instanceId });
    if (error === ERROR.NONE) this.#remove(this.#roster.member(id), nowMs);
    return error;
  }

  #remove(member: Member, nowMs: number): void {
    this.#answers.refuseJoin(member, ERROR.UNKNOWN_MEMBER_ID, "");
    this.#answers.refuseSync(member, ERROR.UNKNOWN_MEMBER_ID);
    this.#roster.remove(member);
    this.#rebalance.begin(nowMs);
  }

  /**
   * Whether the group may take one who joins. While joining, those count who have joined, so the last of
   * too many lose their place; whoever takes another's place needs none.
   */
  #hasRoom({ memberId, instanceId }: JoinRequest): boolean {
    const { members, promised } = this.#roster;
    const { membersMax } = this.#settings;
    if (memberId === "" && promised.size >= membersMax) return false;
    if (memberId === "" && this.#roster.ofInstance(instanceId) !== undefined) return true;
    if (this.phase === "empty") return true;
    if (this.phase !== "joining") return members.has(memberId) || members.size < membersMax;
    if (members.get(memberId)?.joining !== undefined) return true;
    let joining = 0;
    for (const member of members.values()) if (member.joining !== undefined) joining++;
    return joining < membersMax;
  }

  #checkSync(request: SyncRequest): number {
    const error = this.#check(request);
    if (error !== ERROR.NONE) return error;
    const { protocolType, protocolName } = request;
    const agrees =
      (protocolType === null || protocolType === this.protocolType) &&
      (protocolName === null || protocolName === this.protocolName);
    if (!agrees) return ERROR.INCONSISTENT_GROUP_PROTOCOL;
    return this.phase === "joining" ? ERROR.REBALANCE_IN_PROGRESS : ERROR.NONE;
  }

  #check(claim: MemberClaim): number {
    const error = this.#roster.check(claim);
    if (error !== ERROR.NONE) return error;
    return claim.generation === this.generation ? ERROR.NONE : ERROR.ILLEGAL_GENERATION;
  }

  #take(nowMs: number): readonly Answer[] {
    this.#rebalance.settle(nowMs);
    return this.#answers.take();
  }
}

interface Join {
  readonly ticket: Ticket;
  readonly request: JoinRequest;
  readonly nowMs: number;
}

function profileOf(request: JoinRequest): Member["profile"] {
  const { instanceId, clientId, clientHost, sessionMs, rebalanceMs, protocols } = request;
  return { instanceId, clientId, clientHost, sessionMs, rebalanceMs, protocols };
}
