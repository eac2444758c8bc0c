/** Comparing two contract locks: the one that is committed, and the one that today's code would give. */

import { compareSchemas, type FieldChange, type Verdict } from "./compatibility/compatibility.ts";
import type { ContractLock, LockedChannel, LockedType } from "./contract-lock.ts";

export interface ContractChange {
  /** `event order.placed` or `stream orders`. */
  readonly subject: string;
  /** Whether newer programs read what older ones wrote, and keep the order of what is there. */
  readonly backward: Verdict;
  /** Whether older programs read what newer ones write. */
  readonly forward: Verdict;
  /** Whether the change may be released: see `checkContract`. */
  readonly verdict: Verdict;
  /** What changed, in sentences. */
  readonly notes: readonly string[];
  readonly fields: readonly FieldChange[];
  /** The services that read it, of both locks; the ones that a breaking change would break. */
  readonly consumers: readonly string[];
}

export interface ContractReport {
  /** The worst of the changes. */
  readonly verdict: Verdict;
  /** Ordered by subject; what did not change is not listed. */
  readonly changes: readonly ContractChange[];
}

/**
 * The verdict on a change of contract.
 *
 * A change breaks when newer programs could not read kept messages, and when older consumers could
 * not read new ones without knowing it. A raised version with its upcasters breaks neither: older
 * consumers park what they cannot read yet, and the report says so.
 */
export function checkContract(older: ContractLock, newer: ContractLock): ContractReport {
  const changes = [
    ...pairs(older.types, newer.types).map(([type, before, after]) =>
      typeChange(type, before, after),
    ),
    ...pairs(older.channels, newer.channels).map(([address, before, after]) =>
      channelChange(address, before, after),
    ),
  ]
    .filter((change) => change !== undefined)
    .toSorted((one, other) => (one.subject < other.subject ? -1 : 1));
  return { verdict: worst(changes.map(({ verdict }) => verdict)), changes };
}

function typeChange(
  type: string,
  before: LockedType | undefined,
  after: LockedType | undefined,
): ContractChange | undefined {
  const subject = `${(after ?? before)!.kind} ${type}`;
  const consumers = union(before?.consumers, after?.consumers);
  if (before === undefined) return note(subject, "is new", consumers);
  if (after === undefined) return removal(subject, before.consumers);
  const notes: string[] = [];
  const { backward, forward, fields } = compareSchemas(before.schema, after.schema);
  let verdicts: Pick<ContractChange, "backward" | "forward" | "verdict"> = {
    backward,
    forward,
    verdict: worst([backward, consumers.length > 0 ? forward : "compatible"]),
  };
  if (after.version > before.version) {
    notes.push(
      `version ${before.version} becomes ${after.version}: upcasters read the older messages, and consumers on the older contract park the newer ones until they have this one`,
    );
    verdicts = { backward: "compatible", forward: "breaks", verdict: "compatible" };
  } else if (after.version < before.version) {
    notes.push(
      `version ${before.version} falls to ${after.version}: messages of the newer version become unreadable; raise it instead`,
    );
    verdicts = { ...verdicts, backward: "breaks", verdict: "breaks" };
  }
  if (after.kind !== before.kind) {
    notes.push(
      `was ${before.kind === "event" ? "an event" : "a command"}; give the new one another type`,
    );
    verdicts = { backward: "breaks", forward: "breaks", verdict: "breaks" };
  }
  if (after.keyed !== before.keyed) {
    notes.push(
      `${after.keyed ? "has" : "no longer has"} a key: messages before and after have no order among them; use a new type`,
    );
    verdicts = { ...verdicts, backward: "breaks", verdict: "breaks" };
  }
  if (notes.length === 0 && fields.length === 0) return undefined;
  return { subject, ...verdicts, notes, fields, consumers };
}

function channelChange(
  address: string,
  before: LockedChannel | undefined,
  after: LockedChannel | undefined,
): ContractChange | undefined {
  const consumers = union(before?.consumers, after?.consumers);
  if (before === undefined) return note(address, "is new", consumers);
  if (after === undefined) return removal(address, before.consumers);
  const notes: string[] = [];
  let verdict: Verdict = "compatible";
  if (before.partitions !== after.partitions) {
    verdict = "breaks";
    notes.push(
      `${before.partitions} partitions become ${after.partitions}: a key's partition would change; declare a stream of another name and move to it`,
    );
  }
  const gone = before.types.filter((type) => !after.types.includes(type));
  if (gone.length > 0) {
    if (consumers.length > 0) verdict = "breaks";
    notes.push(`no longer carries ${gone.join(", ")}`);
  }
  const added = after.types.filter((type) => !before.types.includes(type));
  if (added.length > 0) notes.push(`now carries ${added.join(", ")}`);
  notes.push(...membersChange("published by", before.publishers, after.publishers));
  notes.push(...membersChange("read by", before.consumers, after.consumers));
  if (notes.length === 0) return undefined;
  return {
    subject: address,
    backward: verdict,
    forward: verdict,
    verdict,
    notes,
    fields: [],
    consumers,
  };
}

function membersChange(
  what: string,
  before: readonly string[],
  after: readonly string[],
): string[] {
  const left = before
    .filter((name) => !after.includes(name))
    .map((name) => `no longer ${what} ${name}`);
  const joined = after
    .filter((name) => !before.includes(name))
    .map((name) => `now ${what} ${name}`);
  return [...left, ...joined];
}

function note(subject: string, text: string, consumers: readonly string[]): ContractChange {
  const verdict = "compatible";
  return {
    subject,
    backward: verdict,
    forward: verdict,
    verdict,
    notes: [text],
    fields: [],
    consumers,
  };
}

/** What nobody reads may go. */
function removal(subject: string, consumers: readonly string[]): ContractChange {
  if (consumers.length === 0) return note(subject, "is removed, and nobody read it", []);
  const verdict = "breaks";
  const notes = [`is removed, and ${consumers.join(", ")} read it`];
  return { subject, backward: verdict, forward: verdict, verdict, notes, fields: [], consumers };
}

function pairs<Item>(
  older: Readonly<Record<string, Item>>,
  newer: Readonly<Record<string, Item>>,
): (readonly [name: string, before: Item | undefined, after: Item | undefined])[] {
  const names = union(Object.keys(older), Object.keys(newer));
  return names.map((name) => [name, older[name], newer[name]] as const);
}

function union(one: readonly string[] = [], other: readonly string[] = []): string[] {
  return [...new Set([...one, ...other])].toSorted();
}

function worst(verdicts: readonly Verdict[]): Verdict {
  if (verdicts.includes("breaks")) return "breaks";
  return verdicts.includes("unclear") ? "unclear" : "compatible";
}
