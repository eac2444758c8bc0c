/**
 * The sections of a message (OASIS AMQP 1.0, part 3.2), by where they stand in its bytes.
 *
 * In their order: header, delivery annotations, message annotations, properties, application
 * properties, body (one or more of one kind), footer. The bare message, from properties to body, is
 * the sender's and never changed on its way.
 */

import { itemsAt, MalformedAmqp, scalarAt, type Scalar, skipValue } from "../protocol/encoding.ts";

export const HEADER = 0x70;
const DELIVERY_ANNOTATIONS = 0x71;
export const MESSAGE_ANNOTATIONS = 0x72;
export const PROPERTIES = 0x73;
export const APPLICATION_PROPERTIES = 0x74;
export const DATA = 0x75;
export const SEQUENCE = 0x76;
export const VALUE = 0x77;
const FOOTER = 0x78;

const NAMES: Readonly<Record<string, number>> = {
  "amqp:header:list": HEADER,
  "amqp:delivery-annotations:map": DELIVERY_ANNOTATIONS,
  "amqp:message-annotations:map": MESSAGE_ANNOTATIONS,
  "amqp:properties:list": PROPERTIES,
  "amqp:application-properties:map": APPLICATION_PROPERTIES,
  "amqp:data:binary": DATA,
  "amqp:amqp-sequence:list": SEQUENCE,
  "amqp:value:*": VALUE,
  "amqp:footer:map": FOOTER,
};
const LISTS: ReadonlySet<number> = new Set([0x45, 0xc0, 0xd0]);
const MAPS: ReadonlySet<number> = new Set([0xc1, 0xd1]);
const BINARIES: ReadonlySet<number> = new Set([0xa0, 0xb0]);
const VALUE_CODES: Readonly<Record<number, ReadonlySet<number>>> = {
  [HEADER]: LISTS,
  [DELIVERY_ANNOTATIONS]: MAPS,
  [MESSAGE_ANNOTATIONS]: MAPS,
  [PROPERTIES]: LISTS,
  [APPLICATION_PROPERTIES]: MAPS,
  [DATA]: BINARIES,
  [SEQUENCE]: LISTS,
  [FOOTER]: MAPS,
};

export interface Section {
  readonly kind: number;
  /** With its descriptor. */
  readonly from: number;
  readonly to: number;
  /** Where its value begins, after the descriptor. */
  readonly valueAt: number;
}

export interface Sections {
  readonly bytes: Buffer;
  readonly header: Section | undefined;
  readonly messageAnnotations: Section | undefined;
  readonly properties: Section | undefined;
  readonly applicationProperties: Section | undefined;
  readonly body: readonly Section[];
  readonly footer: Section | undefined;
}

/** Throws MalformedAmqp for anything but a whole message. */
export function splitSections(bytes: Buffer): Sections {
  const single = new Map<number, Section>();
  const body: Section[] = [];
  let last = 0;
  for (let at = 0; at < bytes.length;) {
    const section = sectionAt(bytes, at);
    const { kind } = section;
    const inBody = kind >= DATA && kind <= VALUE;
    const repeats = kind === last && (kind === DATA || kind === SEQUENCE);
    if ((kind <= last && !repeats) || (inBody && body.length > 0 && !repeats)) {
      throw new MalformedAmqp("the sections of a message are out of order");
    }
    if (inBody) body.push(section);
    else single.set(kind, section);
    last = kind;
    at = section.to;
  }
  if (body.length === 0) throw new MalformedAmqp("a message has no body");
  return {
    bytes,
    header: single.get(HEADER),
    messageAnnotations: single.get(MESSAGE_ANNOTATIONS),
    properties: single.get(PROPERTIES),
    applicationProperties: single.get(APPLICATION_PROPERTIES),
    body,
    footer: single.get(FOOTER),
  };
}

function sectionAt(bytes: Buffer, at: number): Section {
  if (bytes.readUInt8(at) !== 0) throw new MalformedAmqp("a message's section has no descriptor");
  const valueAt = skipValue(bytes, at + 1, bytes.length);
  const descriptor = scalarAt(bytes, at + 1);
  const kind = typeof descriptor === "string" ? NAMES[descriptor] : descriptor;
  if (typeof kind !== "number" || kind < HEADER || kind > FOOTER) {
    throw new MalformedAmqp("a message has a section of no known kind");
  }
  const to = skipValue(bytes, valueAt, bytes.length);
  const codes = VALUE_CODES[kind];
  if (codes !== undefined && !codes.has(bytes.readUInt8(valueAt))) {
    throw new MalformedAmqp("a message has a section of another type than its kind demands");
  }
  return { kind, from: at, to, valueAt };
}

/** The fields of a list section; those that are no simple values are undefined. */
export function fieldsOf(bytes: Buffer, { valueAt, to }: Section): (Scalar | undefined)[] {
  const items = itemsAt(bytes, valueAt);
  const fields: (Scalar | undefined)[] = [];
  let at = items?.from ?? to;
  for (let i = 0; i < (items?.count ?? 0); i++) {
    fields.push(scalarAt(bytes, at));
    at = skipValue(bytes, at, to);
  }
  return fields;
}

/** The entries of a map section whose keys are texts or symbols. */
export function* entriesOf(
  bytes: Buffer,
  { valueAt, to }: Section,
): Generator<readonly [name: string, value: Scalar | undefined]> {
  const items = itemsAt(bytes, valueAt);
  let at = items?.from ?? to;
  for (let i = 0; i < (items?.count ?? 0); i += 2) {
    const name = scalarAt(bytes, at);
    at = skipValue(bytes, at, to);
    const value = scalarAt(bytes, at);
    at = skipValue(bytes, at, to);
    if (typeof name === "string") yield [name, value];
  }
}
