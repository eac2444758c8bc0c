/** The ways of assigning that a group's members know, and which of them the group uses. */

export interface Protocol {
  readonly name: string;
  /** The member's subscription as its client library writes it. Opaque. */
  readonly metadata: Buffer;
}

/** Who knows which protocols, in the order in which it prefers them. */
interface Voter {
  readonly protocols: readonly Protocol[];
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

/** The names that every one of them knows. */
function commonProtocols(voters: Iterable<Voter>): Set<string> {
  let common: Set<string> | undefined;
  for (const { protocols } of voters) {
    const names = protocols.map(({ name }) => name);
    const before = common;
    common = new Set(before === undefined ? names : names.filter((name) => before.has(name)));
  }
  return common ?? new Set();
}

/**
 * Each votes for the one it likes best among the common ones; where two have as many votes, the one that
 * was named first wins. Undefined where nothing is common.
 */
export function chooseProtocol(voters: readonly Voter[]): string | undefined {
  const common = commonProtocols(voters);
  const votes = new Map<string, number>();
  for (const { protocols } of voters) {
    const vote = protocols.find(({ name }) => common.has(name));
    if (vote !== undefined) votes.set(vote.name, (votes.get(vote.name) ?? 0) + 1);
  }
  let chosen: string | undefined;
  for (const [name, count] of votes) {
    if (chosen === undefined || count > votes.get(chosen)!) chosen = name;
  }
  return chosen;
}
