/**
 * The contract lock: what services agreed on, as a text that is committed, diffed and checked.
 *
 * It holds every message type with its structure, version and channels, and for every channel who
 * publishes and who reads. The text is deterministic: the same declarations give the same bytes,
 * whatever the order in which they were made. `contract-check.ts` compares two of them.
 */

import { assert } from "../model/assert.ts";
import { MillraceError } from "../model/errors.ts";
import type { Channel, CommandType, JsonSchema, MessageType } from "./declaration.ts";
import { refuse } from "./refusal.ts";
import { createRegistry } from "./registry.ts";

/** What a service has to do with channels; the runtime derives it from the service's parts. */
export interface ServiceContract {
  readonly name: string;
  readonly publishes: readonly Channel[];
  readonly reads: readonly {
    readonly channel: Channel;
    /** The wire types that it handles; all of the channel unless said. */
    readonly types?: readonly string[];
  }[];
}

export interface LockedType {
  readonly kind: "event" | "command";
  readonly version: number;
  /** Whether messages have a key, and so an order. */
  readonly keyed: boolean;
  readonly refuses?: readonly string[];
  /** Of the schema's input: what is on the wire. */
  readonly schema: JsonSchema;
  /** Services that handle it. */
  readonly consumers: readonly string[];
}

export interface LockedChannel {
  readonly kind: "stream" | "queue";
  readonly name: string;
  readonly types: readonly string[];
  /** Streams only. */
  readonly partitions?: number;
  /** Services that publish there: a stream has one at most, its owner. */
  readonly publishers: readonly string[];
  readonly consumers: readonly string[];
}

export interface ContractLock {
  readonly format: 1;
  /** By wire type. */
  readonly types: Readonly<Record<string, LockedType>>;
  /** By kind and name: `stream orders`. */
  readonly channels: Readonly<Record<string, LockedChannel>>;
}

/**
 * Builds the lock of all that the services declare.
 *
 * Throws BAD_DECLARATION where a type's structure is unknown, where two services publish one stream,
 * and where declarations contradict each other.
 */
export function createContractLock(services: readonly ServiceContract[]): ContractLock {
  const registry = createRegistry(
    services.flatMap(({ publishes, reads }) => [
      ...publishes,
      ...reads.map((read) => read.channel),
    ]),
  );
  return {
    format: 1,
    types: Object.fromEntries(
      registry
        .types()
        .map(({ declaration }) => [declaration.type, lockedType(declaration, services)]),
    ),
    channels: Object.fromEntries(
      registry.channels.map((channel) => [
        `${channel.kind} ${channel.name}`,
        lockedChannel(channel, services),
      ]),
    ),
  };
}

function lockedType(declaration: MessageType, services: readonly ServiceContract[]): LockedType {
  const { kind, type, version, key, structure } = declaration;
  assert(kind !== "timer", "no channel carries a timer");
  if (!structure.known) {
    refuse(
      `the structure of ${kind} "${type}" is unknown: ${structure.why}; give its JSON Schema as the declaration's option jsonSchema`,
    );
  }
  return {
    kind,
    version,
    keyed: key !== undefined,
    ...(isCommand(declaration) && { refuses: declaration.refuses.toSorted() }),
    schema: withoutDialect(structure.jsonSchema),
    consumers: names(services, ({ reads }) =>
      reads.some(({ channel, types }) =>
        types === undefined ? wireTypes(channel).includes(type) : types.includes(type),
      ),
    ),
  };
}

function lockedChannel(channel: Channel, services: readonly ServiceContract[]): LockedChannel {
  const { kind, name } = channel;
  const publishers = names(services, ({ publishes }) => publishes.includes(channel));
  if (kind === "stream" && publishers.length > 1) {
    refuse(
      `stream "${name}" is published by ${publishers.join(" and ")}; a stream has one owner: give each service a stream of its own`,
    );
  }
  return {
    kind,
    name,
    types: wireTypes(channel).toSorted(),
    ...(kind === "stream" && { partitions: channel.partitions }),
    publishers,
    consumers: names(services, ({ reads }) => reads.some((read) => read.channel === channel)),
  };
}

function isCommand(declaration: MessageType): declaration is CommandType {
  return declaration.kind === "command";
}

function wireTypes(channel: Channel): string[] {
  const types: readonly MessageType[] = Object.values(channel.types);
  return types.map(({ type }) => type);
}

function names(
  services: readonly ServiceContract[],
  selects: (service: ServiceContract) => boolean,
): string[] {
  return services
    .filter(selects)
    .map(({ name }) => name)
    .toSorted();
}

/** Every lock is draft 2020-12; saying so in every schema is noise in a diff. */
function withoutDialect(schema: JsonSchema): JsonSchema {
  if (typeof schema === "boolean") return schema;
  const { $schema: _dialect, ...rest } = schema;
  return rest;
}

/** The lock's text: names sorted at every level, two spaces, a line break at the end. */
export function formatContractLock(lock: ContractLock): string {
  return `${JSON.stringify(sorted(lock), undefined, 2)}\n`;
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(entries.map(([name, item]) => [name, sorted(item)]));
}

/** Reads a lock's text. `file` names it in the refusal. Throws BAD_ARGUMENT where it is none. */
export function parseContractLock(text: string, file: string): ContractLock {
  const refused = (why: string, cause?: unknown): MillraceError =>
    new MillraceError(
      "BAD_ARGUMENT",
      `${file} is no contract lock: ${why}; write it anew with "millrace contract lock"`,
      { cause },
    );
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw refused("it is not JSON", cause);
  }
  if (typeof parsed !== "object" || parsed === null || !("format" in parsed)) {
    throw refused("it has no format");
  }
  if (parsed.format !== 1)
    throw refused(`its format is ${JSON.stringify(parsed.format)?.slice(0, 40)}, and 1 is known`);
  if (!isLock(parsed)) throw refused("it lacks types or channels, or one of them is incomplete");
  return parsed;
}

/** Whole: what is compared later is trusted, and a lock is merged and edited by hand. */
function isLock(value: object): value is ContractLock {
  return (
    "types" in value &&
    "channels" in value &&
    everyItem(value.types, isLockedType) &&
    everyItem(value.channels, isLockedChannel)
  );
}

function isLockedType({ kind, version, keyed, refuses = [], schema, consumers }: Item): boolean {
  return (
    (kind === "event" || kind === "command") &&
    Number.isSafeInteger(version) &&
    typeof keyed === "boolean" &&
    isTexts(refuses) &&
    (isItem(schema) || typeof schema === "boolean") &&
    isTexts(consumers)
  );
}

function isLockedChannel(item: Item): boolean {
  const { kind, name, types, partitions = 1, publishers, consumers } = item;
  return (
    (kind === "stream" || kind === "queue") &&
    typeof name === "string" &&
    Number.isSafeInteger(partitions) &&
    [types, publishers, consumers].every(isTexts)
  );
}

type Item = Readonly<Record<string, unknown>>;

function everyItem(map: unknown, holds: (item: Item) => boolean): boolean {
  return isItem(map) && Object.values(map).every((item) => isItem(item) && holds(item));
}

function isItem(value: unknown): value is Item {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}
