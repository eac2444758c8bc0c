/** A member of a group that Kafka clients form, and what it has asked and not yet been told. */

/** Names a request that waits; whoever drives the machine knows what to do with the answer. */
export type Ticket = number;

export interface Protocol {
  readonly name: string;
  /** The member's subscription as its client library writes it. Opaque. */
  readonly metadata: Buffer;
}

export interface Member {
  readonly id: string;
  /** Set for static members (KIP-345), who keep their place over a restart. */
  readonly instanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  sessionMs: number;
  rebalanceMs: number;
  /** In the order in which the member prefers them. */
  protocols: readonly Protocol[];
  /** Opaque, written by the leader. */
  assignment: Buffer;
  /** A join that is answered when the others have joined, too. */
  joining: Ticket | undefined;
  /** A sync that is answered when the leader has sent its assignments. */
  syncing: Ticket | undefined;
  /** Whether it has asked for its assignment in this generation. */
  synced: boolean;
  /** When the session ends unless the member is heard before. */
  sessionEndsMs: number;
}

export function sameProtocols(one: readonly Protocol[], other: readonly Protocol[]): boolean {
  return (
    one.length === other.length &&
    one.every(({ name, metadata }, index) => {
      const same = other[index]!;
      return name === same.name && metadata.equals(same.metadata);
    })
  );
}

/** The protocols that every member knows. */
export function commonProtocols(members: Iterable<Member>): Set<string> {
  let common: Set<string> | undefined;
  for (const { protocols } of members) {
    const names = protocols.map(({ name }) => name);
    const before = common;
    common = new Set(before === undefined ? names : names.filter((name) => before.has(name)));
  }
  return common ?? new Set();
}

/** Each member votes for the protocol it likes best among the common ones; the first asked wins a tie. */
export function chooseProtocol(members: Iterable<Member>): string | undefined {
  const everyone = [...members];
  const common = commonProtocols(everyone);
  const votes = new Map<string, number>();
  for (const { protocols } of everyone) {
    const vote = protocols.find(({ name }) => common.has(name));
    if (vote !== undefined) votes.set(vote.name, (votes.get(vote.name) ?? 0) + 1);
  }
  let chosen: string | undefined;
  for (const [name, count] of votes) {
    if (chosen === undefined || count > votes.get(chosen)!) chosen = name;
  }
  return chosen;
}
