/**
 * What a service has to do with message types, as it tells every other one at its start, and where two
 * of them do not understand each other (law 13).
 *
 * A writer and a reader are compared only where they declare one version: a reader of an older version
 * parks what is newer, one of a newer version has upcasters, so neither is broken. The committed lock
 * (`contract-lock.ts`) is stricter, because it also answers for what is kept.
 */

import type { DraftKind } from "../model/message.ts";
import { acceptProblems } from "./compatibility/schema-subset.ts";
import type { ServiceContract } from "./contract-lock.ts";
import type { JsonSchema, MessageType } from "./declaration.ts";

export interface AnnouncedType {
  readonly kind: DraftKind;
  readonly version: number;
  /** Of the schema's input: what is on the wire. Absent where its structure is unknown. */
  readonly schema?: JsonSchema;
}

/** Types by their name on the wire. */
type AnnouncedTypes = Readonly<Record<string, AnnouncedType>>;

export interface ContractAnnouncement {
  readonly format: 1;
  readonly service: string;
  /** What it publishes or sends. */
  readonly writes: AnnouncedTypes;
  /** What it handles. */
  readonly reads: AnnouncedTypes;
}

export interface ContractConflict {
  readonly writer: string;
  readonly reader: string;
  readonly type: string;
  /** One for each field, or that of the kinds. */
  readonly reasons: readonly string[];
}

export function announcementOf({ name, publishes, reads }: ServiceContract): ContractAnnouncement {
  const written = publishes.flatMap(({ types }) => Object.values<MessageType>(types));
  const read = reads.flatMap(({ channel, types: handled }) =>
    Object.values<MessageType>(channel.types).filter(
      ({ type }) => handled === undefined || handled.includes(type),
    ),
  );
  return { format: 1, service: name, writes: announced(written), reads: announced(read) };
}

function announced(types: readonly MessageType[]): AnnouncedTypes {
  const entries = types.map(({ type, kind, version, structure }) => {
    const known = structure.known && { schema: structure.jsonSchema };
    return [type, { kind, version, ...known }] as const;
  });
  return Object.fromEntries(entries.toSorted(([one], [other]) => (one < other ? -1 : 1)));
}

/** Where a service of one list writes what one of the other list cannot read, either way round. */
export function contractConflicts(
  own: readonly ContractAnnouncement[],
  others: readonly ContractAnnouncement[],
): readonly ContractConflict[] {
  return own.flatMap((one) =>
    others.flatMap((other) => [...conflictsBetween(one, other), ...conflictsBetween(other, one)]),
  );
}

function conflictsBetween(
  writer: ContractAnnouncement,
  reader: ContractAnnouncement,
): ContractConflict[] {
  return Object.entries(writer.writes).flatMap(([type, written]) => {
    const read = Object.hasOwn(reader.reads, type) ? reader.reads[type] : undefined;
    const reasons = read === undefined ? [] : reasonsAgainst(written, read);
    if (reasons.length === 0) return [];
    return [{ writer: writer.service, reader: reader.service, type, reasons }];
  });
}

function reasonsAgainst(written: AnnouncedType, read: AnnouncedType): readonly string[] {
  if (written.kind !== read.kind) return [`is a ${written.kind} and is read as a ${read.kind}`];
  if (written.version !== read.version) return [];
  if (written.schema === undefined || read.schema === undefined) return [];
  return acceptProblems({ writer: written.schema, reader: read.schema })
    .filter(({ certain }) => certain)
    .map(({ field, why }) => `${field}: the reader ${why}`);
}

/** Undefined for what is no announcement, or one of a format that is not known here. */
export function parseAnnouncement(text: string): ContractAnnouncement | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    // Whoever wrote it was none of us; the caller says that it was left out.
    return undefined;
  }
  return isAnnouncement(parsed) ? parsed : undefined;
}

function isAnnouncement(value: unknown): value is ContractAnnouncement {
  return (
    typeof value === "object" &&
    value !== null &&
    "format" in value &&
    value.format === 1 &&
    "service" in value &&
    typeof value.service === "string" &&
    "writes" in value &&
    isTypes(value.writes) &&
    "reads" in value &&
    isTypes(value.reads)
  );
}

function isTypes(value: unknown): boolean {
  return (
    typeof value === "object" &&
    value !== null &&
    Object.values(value).every(
      (each: unknown) =>
        typeof each === "object" && each !== null && "kind" in each && "version" in each,
    )
  );
}
