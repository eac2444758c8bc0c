/** What a selector finds in a message. */

import type { RawMessage } from "../../../model/message.ts";
import type { Scalar } from "../protocol/encoding.ts";
import { splitSections, entriesOf, fieldsOf } from "../message/sections.ts";
import { writeMessage } from "../message/outgoing-message.ts";
import type { Lookup, SelectorValue } from "./condition.ts";

/** Names of fields, as JMS has them and as they are called in the standard, and their places. */
const HEADER_FIELDS: ReadonlyMap<string, number> = new Map([
  ["JMSDeliveryMode", 0],
  ["header.durable", 0],
  ["JMSPriority", 1],
  ["header.priority", 1],
]);
const PROPERTY_FIELDS: ReadonlyMap<string, number> = new Map([
  ["JMSMessageID", 0],
  ["properties.message_id", 0],
  ["properties.to", 2],
  ["JMSType", 3],
  ["properties.subject", 3],
  ["JMSReplyTo", 4],
  ["properties.reply_to", 4],
  ["JMSCorrelationID", 5],
  ["properties.correlation_id", 5],
  ["properties.content_type", 6],
  ["JMSTimestamp", 9],
  ["properties.creation_time", 9],
  ["JMSXGroupID", 10],
  ["properties.group_id", 10],
]);
const PRIORITY_USUAL = 4;

/** Reads the message as an AMQP client would see it; nothing is read before it is asked for. */
export function lookupOf(message: RawMessage): Lookup {
  let seen: ReturnType<typeof read> | undefined;
  return (name) => {
    seen ??= read(message);
    return lookUp(seen, name);
  };
}

interface Seen {
  readonly header: readonly (Scalar | undefined)[];
  readonly properties: readonly (Scalar | undefined)[];
  readonly application: ReadonlyMap<string, Scalar | undefined>;
}

function read(message: RawMessage): Seen {
  const { bytes } = writeMessage(message, { attempt: 1, nowMs: 0 });
  const { header, properties, applicationProperties } = splitSections(bytes);
  return {
    header: header === undefined ? [] : fieldsOf(bytes, header),
    properties: properties === undefined ? [] : fieldsOf(bytes, properties),
    application: new Map(applicationProperties && entriesOf(bytes, applicationProperties)),
  };
}

function lookUp({ header, properties, application }: Seen, name: string): SelectorValue {
  const inHeader = HEADER_FIELDS.get(name);
  if (inHeader === 0) {
    const durable = header[0] === true;
    return name === "JMSDeliveryMode" ? (durable ? "PERSISTENT" : "NON_PERSISTENT") : durable;
  }
  if (inHeader !== undefined) return simple(header[inHeader]) ?? PRIORITY_USUAL;
  const inProperties = PROPERTY_FIELDS.get(name);
  return simple(inProperties === undefined ? application.get(name) : properties[inProperties]);
}

function simple(value: Scalar | undefined): SelectorValue {
  if (value === undefined || value === null || value instanceof Uint8Array) return undefined;
  if (value instanceof Date) return value.getTime();
  return typeof value === "bigint" ? Number(value) : value;
}
