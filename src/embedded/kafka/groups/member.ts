/** A member of a group that Kafka clients form, and what it has asked and not yet been told. */

import type { Protocol } from "./protocols.ts";

/** Names a request that waits; whoever drives the machine knows what to do with the answer. */
export type Ticket = number;

export const NO_BYTES: Buffer = Buffer.alloc(0);

/** What a client says of itself when it joins. */
export interface Profile {
  /** Set for static members (KIP-345), who keep their place over a restart. */
  readonly instanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  /** Unheard for so long, it is taken for gone. */
  readonly sessionMs: number;
  /** How long it may take to join again when the group rebalances. */
  readonly rebalanceMs: number;
  /** In the order in which it prefers them. */
  readonly protocols: readonly Protocol[];
}

export interface Member {
  readonly id: string;
  profile: Profile;
  /** Opaque, written by the leader. */
  assignment: Buffer;
  /** A join that is answered when the others have joined, too. */
  joining: Ticket | undefined;
  /** A sync that is answered when the leader has sent its assignments. */
  syncing: Ticket | undefined;
  /** Whether it has asked for its assignment in this generation. */
  synced: boolean;
  /** Its first join has not been answered: it does not know that it is a member. */
  fresh: boolean;
  /** When the session ends unless the member is heard before. */
  sessionEndsMs: number;
}

export function hear(member: Member, nowMs: number): void {
  member.sessionEndsMs = nowMs + member.profile.sessionMs;
}

/**
 * Whether the member's time runs. A held request keeps a session: the member waits for us, not we for
 * it. But for a first join: clients that give up on one come back as somebody else, so those that nobody
 * waits for would pile up.
 */
export function mayExpire({ fresh, joining, syncing }: Member): boolean {
  return fresh || (joining === undefined && syncing === undefined);
}
