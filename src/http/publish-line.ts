/**
 * One line of plain JSON to publish, and its inverse for the client:
 *
 *     {"type":"order.placed","data":{"orderId":"o1"},"key":"o1","to":{"kind":"stream","name":"orders"}}
 *
 * The fields are those of `PublishRequest`. The payload is `data` in any JSON, taken as the text it
 * is, or `dataJson`, the same text as a JSON string, which survives whatever is wrong with it.
 */

import type { PublishRequest } from "../admin/admin.ts";
import { membersOf, parseObject } from "../codecs/json-text.ts";
import { RUNTIME_ATTRIBUTES } from "../model/attributes.ts";
import { MillraceError } from "../model/errors.ts";
import { LIMITS } from "../model/limits.ts";

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
/** The fields that are objects: what they look like, and whether a value does. */
const OBJECTS: ReadonlyMap<string, readonly [form: string, fits: (value: Fields) => boolean]> =
  new Map([
    ["to", ['{"kind":"stream","name":"orders"}, of stream or queue', isTarget]],
    ["trace", ['{"traceparent":"00-…"}, with tracestate where there is one', isTrace]],
    ["encrypted", ['{"fields":["iban"],"keyId":"k1"}', isEncrypted]],
    [
      "extensions",
      ['{"name":"text"}, of names that the runtime does not write itself', isExtensions],
    ],
  ]);
const KNOWN = [...TEXTS, ...NUMBERS, ...OBJECTS.keys(), "data"];

type Fields = Readonly<Record<string, unknown>>;

/** Throws BAD_JSON, BAD_ENVELOPE naming the field. */
export function readPublishLine(text: string): PublishRequest {
  const line = parseObject(text);
  if (line === undefined) {
    throw badField("line", 'is no JSON object such as {"type":"order.placed","data":{}}');
  }
  const { data, ...fields } = line;
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
  } else {
    const [form, fits] = OBJECTS.get(name) ?? [];
    if (form === undefined || fits === undefined) {
      throw badField(name.slice(0, 40), `is unknown here; known are ${KNOWN.join(", ")}`);
    }
    if (!isObject(value) || !fits(value)) throw badField(name, `must be as in ${form}`);
  }
}

// Each form whole: what is let through goes into headers and names as it is.

function isTarget({ kind, name, ...more }: Fields): boolean {
  const named = isText(name) && name.length <= LIMITS.nameLengthMax;
  return (kind === "stream" || kind === "queue") && named && isEmpty(more);
}

function isTrace({ traceparent, tracestate = "", ...more }: Fields): boolean {
  return isText(traceparent) && isText(tracestate) && isEmpty(more);
}

function isEncrypted({ fields, keyId, ...more }: Fields): boolean {
  return Array.isArray(fields) && fields.every(isText) && isText(keyId) && isEmpty(more);
}

function isExtensions(value: Fields): boolean {
  const own = Object.keys(value).some((name) => RUNTIME_ATTRIBUTES.has(name));
  return !own && Object.values(value).every(isText);
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function isEmpty(object: Fields): boolean {
  return Object.keys(object).length === 0;
}

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The fields have the names and forms of a request; `publish` checks what they say. */
function checked(fields: any): PublishRequest {
  return fields;
}

function badField(field: string, why: string): MillraceError {
  return new MillraceError("BAD_ENVELOPE", `the message's ${field} ${why}`, { details: { field } });
}
