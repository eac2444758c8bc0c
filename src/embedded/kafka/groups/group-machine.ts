/**
 * The classic group protocol of Kafka as a machine without I/O or clock: requests and the time go in,
 * answers come out. The group's members choose a leader, the leader assigns the partitions, the broker
 * only sees to it that all of them act on the same generation. What they write to one another
 * (subscriptions, assignments) is opaque here.
 *
 * *empty*: no members. *joining*: members are waited for; joins are held. *syncing*: all have joined
 * and know the generation; syncs are held until the leader's assignments are there. *stable*: every
 * member may have its assignment. Whoever comes, goes or changes its subscription takes the group back to
 * joining, and the others hear of it by their next heartbeat.
 *
 * The join ends when every member has joined again and nobody is still fetching a member id, or at the
 * latest when the longest rebalance timeout has passed: then those who did not come are removed, but
 * for static ones, who keep their place until their session ends. An empty group waits a moment longer
 * for its first members, so that a fleet that starts together is assigned once.
 *
 * Sources: KIP-62 (heartbeats), KIP-134 (initial delay), KIP-345 (static members), KIP-394 (member
 * ids), KIP-814 (a static leader that returns).
 */

import { assert } from "../../../model/assert.ts";
import { ERROR } from "../error-codes.ts";
import {
  chooseProtocol,
  commonProtocols,
  sameProtocols,
  type Member,
  type Protocol,
  type Ticket,
} from "./member.ts";

export interface GroupSettings {
  readonly initialDelayMs: number;
  readonly sessionMsMin: number;
  readonly sessionMsMax: number;
  readonly membersMax: number;
}

export interface JoinRequest {
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly sessionMs: number;
  readonly rebalanceMs: number;
  readonly protocolType: string;
  readonly protocols: readonly Protocol[];
  /** The client comes back with the member id that it is given (version 4 on). */
  readonly fetchesMemberId: boolean;
}

export interface JoinAnswer {
  readonly kind: "join";
  readonly ticket: Ticket;
  readonly error: number;
  readonly memberId: string;
  readonly generation: number;
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly leader: string;
  /** A leader that returns and need not assign again. */
  readonly skipAssignment: boolean;
  /** For the leader alone. */
  readonly members: readonly {
    readonly memberId: string;
    readonly instanceId: string | null;
    readonly metadata: Buffer;
  }[];
}

export interface SyncRequest extends MemberClaim {
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly assignments: readonly { readonly memberId: string; readonly assignment: Buffer }[];
}

export interface SyncAnswer {
  readonly kind: "sync";
  readonly ticket: Ticket;
  readonly error: number;
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly assignment: Buffer;
}

/** Who a request says it is from. */
export interface MemberClaim {
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly generation: number;
}

export type Answer = JoinAnswer | SyncAnswer;
export type GroupPhase = "empty" | "joining" | "syncing" | "stable";

const NO_BYTES: Buffer = Buffer.alloc(0);

export class GroupMachine {
  readonly members = new Map<string, Member>();
  phase: GroupPhase = "empty";
  generation = 0;
  protocolType: string | null = null;
  protocolName: string | null = null;
  leader: string | undefined;
  readonly #settings: GroupSettings;
  readonly #newMemberId: (prefix: string) => string;
  /** Member ids by the instance ids of static members. */
  readonly #instances = new Map<string, string>();
  /** Ids that were given and not yet used, with the time at which they end. */
  readonly #promised = new Map<string, number>();
  #answers: Answer[] = [];
  /** While joining: not complete before; newcomers of an initial join prolong it. */
  #notBeforeMs = 0;
  /** While joining: when those who have not come are left out; while syncing: who has not asked. */
  #phaseEndsMs = Infinity;

  constructor(settings: GroupSettings, newMemberId: (prefix: string) => string) {
    this.#settings = settings;
    this.#newMemberId = newMemberId;
  }

  /** When `tick` should be called next; Infinity where nothing is waited for. */
  get wakeAtMs(): number {
    let wakeMs = this.#phaseEndsMs;
    if (this.phase === "joining" && this.#everybodyJoined()) {
      wakeMs = Math.min(wakeMs, this.#notBeforeMs);
    }
    for (const endsMs of this.#promised.values()) wakeMs = Math.min(wakeMs, endsMs);
    for (const member of this.members.values()) {
      if (!isHeard(member)) wakeMs = Math.min(wakeMs, member.sessionEndsMs);
    }
    return wakeMs;
  }

  get promisedIds(): number {
    return this.#promised.size;
  }

  join(ticket: Ticket, request: JoinRequest, nowMs: number): readonly Answer[] {
    const { sessionMsMin, sessionMsMax } = this.#settings;
    if (request.sessionMs < sessionMsMin || request.sessionMs > sessionMsMax) {
      this.#refuseJoin(ticket, request, ERROR.INVALID_SESSION_TIMEOUT);
    } else if (!this.#agrees(request)) {
      this.#refuseJoin(ticket, request, ERROR.INCONSISTENT_GROUP_PROTOCOL);
    } else if (request.memberId === "") {
      this.#joinNew(ticket, request, nowMs);
    } else {
      this.#joinKnown(ticket, request, nowMs);
    }
    return this.#take(nowMs);
  }

  sync(ticket: Ticket, request: SyncRequest, nowMs: number): readonly Answer[] {
    const refuse = (error: number): readonly Answer[] => {
      this.#answers.push({ ...NO_ASSIGNMENT, ticket, error });
      return this.#take(nowMs);
    };
    const error = this.#check(request);
    if (error !== ERROR.NONE) return refuse(error);
    const { protocolType, protocolName } = request;
    if (
      (protocolType !== null && protocolType !== this.protocolType) ||
      (protocolName !== null && protocolName !== this.protocolName)
    ) {
      return refuse(ERROR.INCONSISTENT_GROUP_PROTOCOL);
    }
    if (this.phase === "joining") return refuse(ERROR.REBALANCE_IN_PROGRESS);
    const member = this.members.get(request.memberId)!;
    this.#hear(member, nowMs);
    member.synced = true;
    // A client that asks twice has given up waiting for the first answer.
    this.#refuseSync(member, ERROR.REBALANCE_IN_PROGRESS);
    member.syncing = ticket;
    if (this.phase === "syncing" && request.memberId === this.leader) {
      const assigned = new Map(request.assignments.map((one) => [one.memberId, one.assignment]));
      for (const other of this.members.values()) {
        other.assignment = assigned.get(other.id) ?? NO_BYTES;
      }
      this.phase = "stable";
    }
    if (this.phase === "stable") this.#answerSyncs(nowMs);
    return this.#take(nowMs);
  }

  /** Returns the error code. */
  heartbeat(claim: MemberClaim, nowMs: number): number {
    const error = this.#check(claim);
    if (error !== ERROR.NONE) return error;
    this.#hear(this.members.get(claim.memberId)!, nowMs);
    return this.phase === "joining" ? ERROR.REBALANCE_IN_PROGRESS : ERROR.NONE;
  }

  /** Returns the error code and what others are told in consequence. */
  leave(
    { memberId, instanceId }: Pick<MemberClaim, "memberId" | "instanceId">,
    nowMs: number,
  ): { readonly error: number; readonly answers: readonly Answer[] } {
    const known = instanceId === null ? memberId : this.#instances.get(instanceId);
    if (this.#promised.delete(memberId)) return { error: ERROR.NONE, answers: this.#take(nowMs) };
    const member = known === undefined ? undefined : this.members.get(known);
    if (member === undefined) return { error: ERROR.UNKNOWN_MEMBER_ID, answers: [] };
    // An operator removes a static member by its instance alone.
    if (memberId !== "" && memberId !== member.id) {
      return { error: ERROR.FENCED_INSTANCE_ID, answers: [] };
    }
    this.#remove(member, nowMs);
    return { error: ERROR.NONE, answers: this.#take(nowMs) };
  }

  /** Whether the member may commit offsets, as an error code. A commit counts as a heartbeat. */
  commit(claim: MemberClaim, nowMs: number): number {
    const anonymous = claim.generation < 0 && claim.memberId === "" && claim.instanceId === null;
    if (anonymous) return this.phase === "empty" ? ERROR.NONE : ERROR.UNKNOWN_MEMBER_ID;
    const error = this.#check(claim);
    if (error !== ERROR.NONE) return error;
    this.#hear(this.members.get(claim.memberId)!, nowMs);
    return this.phase === "syncing" ? ERROR.REBALANCE_IN_PROGRESS : ERROR.NONE;
  }

  /** Takes note that time has passed. */
  tick(nowMs: number): readonly Answer[] {
    for (const [id, endsMs] of this.#promised) if (endsMs <= nowMs) this.#promised.delete(id);
    for (const member of Array.from(this.members.values())) {
      if (!isHeard(member) && member.sessionEndsMs <= nowMs) this.#remove(member, nowMs);
    }
    if (nowMs >= this.#phaseEndsMs) {
      if (this.phase === "joining") this.#endJoin(nowMs);
      else if (this.phase === "syncing") this.#dropUnsynced(nowMs);
    }
    return this.#take(nowMs);
  }

  #joinNew(ticket: Ticket, request: JoinRequest, nowMs: number): void {
    const { instanceId, clientId } = request;
    const id = this.#newMemberId(instanceId ?? clientId);
    const replacedId = instanceId === null ? undefined : this.#instances.get(instanceId);
    if (replacedId !== undefined) {
      this.#replace(this.members.get(replacedId)!, id, { ticket, request, nowMs });
    } else if (this.members.size + this.#promised.size >= this.#settings.membersMax) {
      this.#refuseJoin(ticket, request, ERROR.GROUP_MAX_SIZE_REACHED);
    } else if (instanceId === null && request.fetchesMemberId) {
      this.#promised.set(id, nowMs + request.sessionMs);
      this.#refuseJoin(ticket, { ...request, memberId: id }, ERROR.MEMBER_ID_REQUIRED);
    } else {
      this.#add(id, ticket, request, nowMs);
    }
  }

  #joinKnown(ticket: Ticket, request: JoinRequest, nowMs: number): void {
    const { memberId, instanceId } = request;
    if (this.#promised.delete(memberId)) {
      this.#add(memberId, ticket, request, nowMs);
      return;
    }
    const error = this.#checkIdentity(request);
    if (error !== ERROR.NONE) {
      this.#refuseJoin(ticket, request, error);
      return;
    }
    const member = this.members.get(memberId)!;
    const unchanged = sameProtocols(member.protocols, request.protocols);
    const answersAtOnce =
      unchanged &&
      (this.phase === "syncing" || (this.phase === "stable" && memberId !== this.leader));
    this.#update(member, request);
    this.#hear(member, nowMs);
    if (answersAtOnce) {
      this.#answerJoin(ticket, member);
      return;
    }
    assert(instanceId === member.instanceId, "a member keeps its instance id");
    this.#await(member, ticket);
    this.#rebalance(nowMs);
  }

  /** A static member came back under a new id: the old one is fenced. */
  #replace(
    old: Member,
    id: string,
    { ticket, request, nowMs }: { ticket: Ticket; request: JoinRequest; nowMs: number },
  ): void {
    this.#refusePending(old, ERROR.FENCED_INSTANCE_ID);
    const member: Member = { ...old, id, joining: undefined, syncing: undefined };
    const unchanged = sameProtocols(old.protocols, request.protocols);
    const wasLeader = this.leader === old.id;
    this.members.delete(old.id);
    this.members.set(id, member);
    this.#instances.set(request.instanceId!, id);
    if (wasLeader) this.leader = id;
    this.#update(member, request);
    this.#hear(member, nowMs);
    if (this.phase === "stable" && unchanged) {
      this.#answerJoin(ticket, member, { skipAssignment: wasLeader });
      return;
    }
    this.#await(member, ticket);
    this.#rebalance(nowMs);
  }

  #add(id: string, ticket: Ticket, request: JoinRequest, nowMs: number): void {
    const member: Member = {
      id,
      instanceId: request.instanceId,
      clientId: request.clientId,
      clientHost: request.clientHost,
      sessionMs: request.sessionMs,
      rebalanceMs: request.rebalanceMs,
      protocols: request.protocols,
      assignment: NO_BYTES,
      joining: ticket,
      syncing: undefined,
      synced: false,
      sessionEndsMs: nowMs + request.sessionMs,
    };
    this.members.set(id, member);
    if (request.instanceId !== null) this.#instances.set(request.instanceId, id);
    this.protocolType ??= request.protocolType;
    this.leader ??= id;
    this.#rebalance(nowMs);
    // Each newcomer of a group's first join prolongs the wait for the next one.
    if (this.#notBeforeMs > nowMs) {
      this.#notBeforeMs = Math.min(nowMs + this.#settings.initialDelayMs, this.#phaseEndsMs);
    }
  }

  #remove(member: Member, nowMs: number): void {
    this.#refusePending(member, ERROR.UNKNOWN_MEMBER_ID);
    this.#forget(member);
    if (this.phase !== "joining") this.#rebalance(nowMs);
  }

  #forget(member: Member): void {
    this.members.delete(member.id);
    if (member.instanceId !== null) this.#instances.delete(member.instanceId);
    if (this.leader === member.id) {
      // Whoever has joined already will be there to assign.
      const others = [...this.members.values()];
      this.leader = (others.find(({ joining }) => joining !== undefined) ?? others[0])?.id;
    }
  }

  /** Goes to joining, or stays there. */
  #rebalance(nowMs: number): void {
    for (const member of this.members.values()) {
      this.#refuseSync(member, ERROR.REBALANCE_IN_PROGRESS);
      member.synced = false;
    }
    if (this.phase !== "joining") {
      this.#notBeforeMs = this.phase === "empty" ? nowMs + this.#settings.initialDelayMs : nowMs;
    }
    this.phase = "joining";
    let longestMs = 0;
    for (const { rebalanceMs } of this.members.values()) {
      longestMs = Math.max(longestMs, rebalanceMs);
    }
    this.#phaseEndsMs = nowMs + longestMs;
  }

  #everybodyJoined(): boolean {
    if (this.#promised.size > 0) return false;
    for (const { joining } of this.members.values()) if (joining === undefined) return false;
    return true;
  }

  /** The time for joining is over. */
  #endJoin(nowMs: number): void {
    for (const member of Array.from(this.members.values())) {
      if (member.joining === undefined && member.instanceId === null) this.#forget(member);
    }
    const joined = [...this.members.values()].find(({ joining }) => joining !== undefined);
    if (joined === undefined && this.members.size > 0) {
      // Static members alone, and none of them is here: wait on, until their sessions end.
      this.#phaseEndsMs = nowMs + Math.max(...[...this.members.values()].map((m) => m.rebalanceMs));
      return;
    }
    const leader = this.leader === undefined ? undefined : this.members.get(this.leader);
    if (leader?.joining === undefined && joined !== undefined) this.leader = joined.id;
    this.#beginGeneration(nowMs);
  }

  #beginGeneration(nowMs: number): void {
    this.generation++;
    if (this.members.size === 0) {
      this.phase = "empty";
      this.protocolName = null;
      this.#phaseEndsMs = Infinity;
      return;
    }
    this.phase = "syncing";
    this.protocolName = chooseProtocol(this.members.values()) ?? null;
    let longestMs = 0;
    for (const member of this.members.values()) {
      longestMs = Math.max(longestMs, member.rebalanceMs);
      const { joining } = member;
      if (joining === undefined) continue;
      member.joining = undefined;
      this.#hear(member, nowMs);
      this.#answerJoin(joining, member);
    }
    this.#phaseEndsMs = nowMs + longestMs;
  }

  #dropUnsynced(nowMs: number): void {
    this.#phaseEndsMs = Infinity;
    for (const member of Array.from(this.members.values())) {
      if (!member.synced) this.#remove(member, nowMs);
    }
  }

  #answerSyncs(nowMs: number): void {
    for (const member of this.members.values()) {
      const { syncing: ticket, assignment } = member;
      if (ticket === undefined) continue;
      member.syncing = undefined;
      this.#hear(member, nowMs);
      const { protocolType, protocolName } = this;
      this.#answers.push({
        kind: "sync",
        ticket,
        error: ERROR.NONE,
        protocolType,
        protocolName,
        assignment,
      });
    }
    if ([...this.members.values()].every(({ synced }) => synced)) this.#phaseEndsMs = Infinity;
  }

  #answerJoin(
    ticket: Ticket,
    member: Member,
    { skipAssignment = false }: { readonly skipAssignment?: boolean } = {},
  ): void {
    const { generation, protocolType, protocolName, leader = "" } = this;
    const leads = member.id === leader;
    this.#answers.push({
      kind: "join",
      ticket,
      error: ERROR.NONE,
      memberId: member.id,
      generation,
      protocolType,
      protocolName,
      leader,
      skipAssignment,
      members: leads ? [...this.members.values()].map((one) => this.#described(one)) : [],
    });
  }

  #described({ id, instanceId, protocols }: Member): JoinAnswer["members"][number] {
    const chosen = protocols.find(({ name }) => name === this.protocolName);
    return { memberId: id, instanceId, metadata: chosen?.metadata ?? NO_BYTES };
  }

  #refuseJoin(ticket: Ticket, { memberId }: Pick<JoinRequest, "memberId">, error: number): void {
    this.#answers.push({
      kind: "join",
      ticket,
      error,
      memberId,
      generation: -1,
      protocolType: null,
      protocolName: null,
      leader: "",
      skipAssignment: false,
      members: [],
    });
  }

  #refuseSync(member: Member, error: number): void {
    const { syncing: ticket } = member;
    if (ticket === undefined) return;
    member.syncing = undefined;
    this.#answers.push({ ...NO_ASSIGNMENT, ticket, error });
  }

  #refusePending(member: Member, error: number): void {
    this.#refuseSync(member, error);
    const { joining } = member;
    if (joining === undefined) return;
    member.joining = undefined;
    this.#refuseJoin(joining, { memberId: member.id }, error);
  }

  #await(member: Member, ticket: Ticket): void {
    // A client that joins twice has given up waiting for the first answer.
    const { joining } = member;
    if (joining !== undefined) {
      this.#refuseJoin(joining, { memberId: member.id }, ERROR.REBALANCE_IN_PROGRESS);
    }
    member.joining = ticket;
  }

  #update(member: Member, request: JoinRequest): void {
    member.protocols = request.protocols;
    member.sessionMs = request.sessionMs;
    member.rebalanceMs = request.rebalanceMs;
  }

  #hear(member: Member, nowMs: number): void {
    member.sessionEndsMs = nowMs + member.sessionMs;
  }

  /** Whether the protocols fit those of the group. */
  #agrees({ memberId, instanceId, protocolType, protocols }: JoinRequest): boolean {
    if (protocolType === "" || protocols.length === 0) return false;
    if (this.members.size === 0) return true;
    if (protocolType !== this.protocolType) return false;
    const own = instanceId === null ? memberId : (this.#instances.get(instanceId) ?? memberId);
    const others = [...this.members.values()].filter(({ id }) => id !== own);
    if (others.length === 0) return true;
    const common = commonProtocols(others);
    return protocols.some(({ name }) => common.has(name));
  }

  #check(claim: MemberClaim): number {
    const error = this.#checkIdentity(claim);
    if (error !== ERROR.NONE) return error;
    return claim.generation === this.generation ? ERROR.NONE : ERROR.ILLEGAL_GENERATION;
  }

  #checkIdentity({ memberId, instanceId }: Pick<MemberClaim, "memberId" | "instanceId">): number {
    if (instanceId !== null) {
      const known = this.#instances.get(instanceId);
      if (known === undefined) return ERROR.UNKNOWN_MEMBER_ID;
      if (known !== memberId) return ERROR.FENCED_INSTANCE_ID;
    }
    return this.members.has(memberId) ? ERROR.NONE : ERROR.UNKNOWN_MEMBER_ID;
  }

  /** Ends a join that is complete, and hands over the answers. */
  #take(nowMs: number): readonly Answer[] {
    if (this.phase === "joining" && nowMs >= this.#notBeforeMs && this.#everybodyJoined()) {
      this.#beginGeneration(nowMs);
    }
    if (this.members.size === 0 && this.#promised.size === 0) {
      this.protocolType = null;
      this.leader = undefined;
    }
    const answers = this.#answers;
    this.#answers = [];
    return answers;
  }
}

const NO_ASSIGNMENT: Omit<SyncAnswer, "ticket" | "error"> = {
  kind: "sync",
  protocolType: null,
  protocolName: null,
  assignment: NO_BYTES,
};

/** A held request keeps the session: the member waits for us, not we for it. */
function isHeard({ joining, syncing }: Member): boolean {
  return joining !== undefined || syncing !== undefined;
}
