/** What goes into a group's machine and what comes out, whatever version of the protocol it came by. */

import type { Profile, Ticket } from "./member.ts";

/** Who a request says it is from. */
export interface MemberName {
  readonly memberId: string;
  readonly instanceId: string | null;
}

export interface MemberClaim extends MemberName {
  readonly generation: number;
}

export interface JoinRequest extends Profile {
  /** Empty for a client that is no member yet. */
  readonly memberId: string;
  /** What the members are: `consumer`, `connect`. All of a group are the same. */
  readonly protocolType: string;
  /** The client comes back with the member id that it is given (KIP-394, version 4 on). */
  readonly fetchesMemberId: boolean;
  /** The client knows what it means to lead without assigning (KIP-814, version 9 on). */
  readonly maySkipAssignment: boolean;
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
  /** A leader that has come back and need not assign again. */
  readonly skipAssignment: boolean;
  /** For the leader alone. */
  readonly members: readonly JoinedMember[];
}

export interface JoinedMember extends MemberName {
  readonly metadata: Buffer;
}

export interface SyncRequest extends MemberClaim {
  /** Null before version 5. */
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

export type Answer = JoinAnswer | SyncAnswer;
