/**
 * One line of plain JSON to publish, and its inverse for the client:
 *
 *     {"type":"order.placed","data":{"orderId":"o1"},"key":"o1","to":{"kind":"stream","name":"orders"}}
 *
 * The fields are those of `PublishRequest`. The payload is `data` in any JSON, taken as the text it
 * is, or `dataJson`, the same text as a JSON string, which survives whatever is wrong with it.
 */

import type { PublishRequest } from "../admin/admin.ts";
import { membersOf, parseJson } from "../codecs/json-text.ts";
import { MillraceError } from "../model/errors.ts";

const TEXTS = [
  "type",
  "kind",
  "key",
  "id",
  "source",
  "correlation",
  "causation",
  "actor",
  "replyTo",
  "corrects",
  "previousHash",
  "dataJson",
];
const NUMBERS = ["time", "version", "expires"];
const OBJECTS = ["trace", "extensions", "to", "encrypted"];

/** Throws BAD_JSON, BAD_ENVELOPE naming the field. */
export function readPublishLine(text: string): PublishRequest {
  const line = parseJson(text);
  if (typeof line !== "object" || line === null || Array.isArray(line)) {
    throw badField("line", 'is no JSON object such as {"type":"order.placed","data":{}}');
  }
  const { data, ...fields } = { ...line } as Record<string, unknown>;
  for (const [name, value] of Object.entries(fields)) checkField(name, value);
  if (fields["type"] === undefined) throw badField("type", "is missing; every message needs one");
  if ((data === undefined) === (fields["dataJson"] === undefined)) {
    throw badField("data", "must be given once: as data, or as its text in dataJson");
  }
  const dataJson = data === undefined ? {} : { dataJson: membersOf(text).get("data") };
  return checked({ ...fields, ...dataJson });
}

export function writePublishLine(request: PublishRequest): string {
  return JSON.stringify(request);
}

function checkField(name: string, value: unknown): void {
  if (TEXTS.includes(name)) {
    if (typeof value !== "string") throw badField(name, "must be a text");
  } else if (NUMBERS.includes(name)) {
    if (!Number.isSafeInteger(value)) throw badField(name, "must be a whole number");
  } else if (OBJECTS.includes(name)) {
    checkObject(name, value);
  } else {
    throw badField(
      name.slice(0, 40),
      `is unknown here; known are ${[...TEXTS, ...NUMBERS, ...OBJECTS, "data"].join(", ")}`,
    );
  }
}

/** One level deep: texts, and for `encrypted.fields` a list of texts. */
function checkObject(name: string, value: unknown): void {
  const plain = typeof value === "object" && value !== null && !Array.isArray(value);
  const good =
    plain && Object.values(value).every((item) => typeof item === "string" || isListOfTexts(item));
  if (!good) throw badField(name, "must be an object of texts");
}

function isListOfTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

/** The fields have the names and forms of a request; `publish` checks what they say. */
function checked(fields: any): PublishRequest {
  return fields;
}

function badField(field: string, why: string): MillraceError {
  return new MillraceError("BAD_ENVELOPE", `the message's ${field} ${why}`, { details: { field } });
}
