/**
 * The answers that a step of a group's machine gives: gathered while it is taken, handed over at its end.
 *
 * A ticket leaves its member when it is answered, so none is answered twice.
 */

import { ERROR } from "../error-codes.ts";
import type { Answer, JoinedMember } from "./group-messages.ts";
import { NO_BYTES, type Member, type Ticket } from "./member.ts";
import type { Roster } from "./roster.ts";

interface Generation {
  readonly generation: number;
  readonly protocolName: string | null;
  readonly skipAssignment: boolean;
  /** Whom the answer calls the leader. */
  readonly leader: string;
}

export class Answers {
  #gathered: Answer[] = [];

  /** What has gathered since the last time. */
  take(): readonly Answer[] {
    const gathered = this.#gathered;
    this.#gathered = [];
    return gathered;
  }

  /** Answers the member's join, where it waits, with the generation that it belongs to. */
  joins(member: Member, roster: Roster, generation: Generation): void {
    const { joining: ticket, id: memberId } = member;
    if (ticket === undefined) return;
    member.joining = undefined;
    const { protocolType } = roster;
    const leads = generation.leader === memberId;
    const members = leads ? membersFor(roster, generation.protocolName) : [];
    this.#gathered.push({
      kind: "join",
      ticket,
      error: ERROR.NONE,
      memberId,
      protocolType,
      members,
      ...generation,
    });
  }

  refuse(ticket: Ticket, memberId: string, error: number): void {
    this.#gathered.push({
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

  /** Refuses the member's join, where it waits. */
  refuseJoin(member: Member, error: number, memberId: string = member.id): void {
    const { joining: ticket } = member;
    if (ticket === undefined) return;
    member.joining = undefined;
    this.refuse(ticket, memberId, error);
  }

  /** Answers the member's sync, where it waits, with its assignment. */
  syncs(
    member: Member,
    protocol: { readonly protocolType: string | null; readonly protocolName: string | null },
  ): void {
    const { syncing: ticket, assignment } = member;
    if (ticket === undefined) return;
    member.syncing = undefined;
    this.#gathered.push({ kind: "sync", ticket, error: ERROR.NONE, ...protocol, assignment });
  }

  /** Refuses the member's sync, where it waits. */
  refuseSync(member: Member, error: number): void {
    const { syncing: ticket } = member;
    if (ticket === undefined) return;
    member.syncing = undefined;
    this.refuseSyncTicket(ticket, error);
  }

  refuseSyncTicket(ticket: Ticket, error: number): void {
    const nothing = { protocolType: null, protocolName: null, assignment: NO_BYTES };
    this.#gathered.push({ kind: "sync", ticket, error, ...nothing });
  }
}

function membersFor({ members }: Roster, protocolName: string | null): JoinedMember[] {
  return Array.from(members.values(), ({ id, profile }) => ({
    memberId: id,
    instanceId: profile.instanceId,
    metadata: profile.protocols.find(({ name }) => name === protocolName)?.metadata ?? NO_BYTES,
  }));
}
