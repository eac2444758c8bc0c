/** From a message to a line of a file. Pure. */

import { structuredText } from "../../codecs/cloudevents-http-writer.ts";
import { membersOf } from "../../codecs/json-text.ts";
import { jsonCodec } from "../../codecs/json.ts";
import type { Envelope } from "../../model/envelope.ts";
import type { Message } from "../../model/message.ts";
import { writeCsvRecord } from "./format/csv-record.ts";

/** The message as a CloudEvent in JSON form, on one line. */
export function eventLine(message: Message): string {
  return `${onOneLine(structuredText(message.envelope, payloadOf(message)))}\n`;
}

/** The payload alone, on one line. */
export function dataLine(message: Message): string {
  return `${onOneLine(payloadOf(message))}\n`;
}

/** Columns of the envelope, by the name that they have in `columns`. */
const OF_ENVELOPE: Readonly<Record<string, (envelope: Envelope) => string | undefined>> = {
  $id: ({ id }) => id,
  $type: ({ type }) => type,
  $key: ({ key }) => key,
  $source: ({ source }) => source,
  $time: ({ time }) => new Date(time).toISOString(),
};

export function isEnvelopeColumn(name: string): boolean {
  return Object.hasOwn(OF_ENVELOPE, name);
}

/** The names of the envelope's columns. */
export const ENVELOPE_COLUMNS: readonly string[] = Object.keys(OF_ENVELOPE);

/** One cell a column: texts as they are, other values as their JSON, digits untouched, null as nothing. */
export function csvLine(message: Message, columns: readonly string[]): string {
  const payload = payloadOf(message);
  const members = payload.trimStart().startsWith("{") ? membersOf(payload) : new Map();
  return writeCsvRecord(
    columns.map((name) =>
      isEnvelopeColumn(name)
        ? (OF_ENVELOPE[name]!(message.envelope) ?? "")
        : cellOf(members.get(name)),
    ),
  );
}

function cellOf(json: string | undefined): string {
  if (json === undefined || json === "null") return "";
  if (!json.startsWith('"')) return json;
  const text: string = JSON.parse(json);
  return text;
}

function payloadOf({ raw, data }: Message): string {
  const bytes = raw?.value ?? jsonCodec(undefined).encode(data);
  return Buffer.from(bytes).toString("utf8");
}

/** Inside of texts JSON has no line ends, so these are between values. */
function onOneLine(json: string): string {
  return json.replaceAll(/[\r\n]+/g, " ");
}
