/**
 * Writes CloudEvents 1.0 for HTTP: the inverse of `cloudevents-http.ts`. What only Millrace's own
 * runtime has a use for (see `RUNTIME_ATTRIBUTES`, and the address of a reply) stays inside.
 */

import { RUNTIME_ATTRIBUTES } from "../model/attributes.ts";
import type { Envelope } from "../model/envelope.ts";
import { JSON_MEDIA_TYPE } from "./cloudevents-attributes.ts";
import { encodeHeaders } from "./cloudevents.ts";
import { withMember } from "./json-text.ts";

export const STRUCTURED_MEDIA_TYPE = "application/cloudevents+json";

/** The headers of binary mode, `content-type` among them; values are percent-encoded where needed. */
export function binaryHeaders(envelope: Envelope): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {
    "content-type": envelope.contentType ?? JSON_MEDIA_TYPE,
  };
  for (const [name, value] of attributesOf(envelope)) headers[`ce-${name}`] = percentEncoded(value);
  return headers;
}

/** One JSON object of structured mode; `dataJson` stands in it as it is. */
export function structuredText(envelope: Envelope, dataJson: string): string {
  const { contentType = JSON_MEDIA_TYPE } = envelope;
  const attributes = Object.fromEntries(attributesOf(envelope));
  return withMember({ ...attributes, datacontenttype: contentType }, "data", dataJson);
}

function attributesOf(envelope: Envelope): (readonly [name: string, value: string])[] {
  const { replyTo: _replyTo, ...told } = envelope;
  return encodeHeaders(told).flatMap(([header, value]) => {
    const name = header.slice(3);
    const shown = header.startsWith("ce_") && !RUNTIME_ATTRIBUTES.has(name);
    return shown && typeof value === "string" ? [[name, value] as const] : [];
  });
}

/** The binding's rule: all but printable ASCII, and the space, `"` and `%`. */
function percentEncoded(value: string): string {
  return value
    .toWellFormed()
    .replaceAll(/[^!#$&-~]/gu, (character) => encodeURIComponent(character));
}
