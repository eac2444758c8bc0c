/**
 * Messages that did not come by AMQP, as AMQP clients see them: by the AMQP binding of CloudEvents
 * (binary mode) where they have an envelope. Attributes are texts, as that binding allows for all types.
 *
 * | kept | seen as |
 * |---|---|
 * | `ce_NAME` | application property `cloudEvents_NAME` |
 * | `content-type` | the property content-type |
 * | any other header | application property of its name: a text, or a binary; of a repeated name the last |
 * | the key | group-id, where it is text |
 * | `ce_id`, `ce_correlationid`, `ce_replyto` | message-id, correlation-id and reply-to, too |
 * | `ce_time`, `ce_expirytime` | creation-time and absolute-expiry-time, too |
 * | the value | one data section; a tombstone is the value null |
 */

import { parseTime } from "../../../codecs/rfc3339.ts";
import type { RawMessage } from "../../../model/message.ts";
import {
  binaryValue,
  describedValue,
  listValue,
  mapValue,
  nullValue,
  symbolValue,
  textValue,
  timestampValue,
} from "../protocol/value-writer.ts";
import { APPLICATION_PROPERTIES, DATA, PROPERTIES, VALUE } from "./sections.ts";
import { isStoredName } from "./stored-form.ts";

/** Properties, application properties and body. */
export function foreignSections(message: RawMessage): Buffer[] {
  const { headers, key, value } = message;
  const properties = new Map<string, string | Uint8Array>();
  const texts = new Map<string, string>();
  for (const [name, content] of headers) {
    if (isStoredName(name)) continue;
    if (typeof content === "string") texts.set(name, content);
    if (name === "content-type") continue;
    properties.set(name.startsWith("ce_") ? `cloudEvents_${name.slice(3)}` : name, content);
  }
  const written = [...properties].flatMap(([name, content]) => [
    textValue(name),
    typeof content === "string" ? textValue(content) : binaryValue(content),
  ]);
  return [
    describedValue(PROPERTIES, listValue(propertyFields(texts, key))),
    describedValue(APPLICATION_PROPERTIES, mapValue(written)),
    value === null ? describedValue(VALUE, nullValue()) : describedValue(DATA, binaryValue(value)),
  ];
}

/** In the order of part 3.2.4, up to group-id. */
function propertyFields(texts: ReadonlyMap<string, string>, key: RawMessage["key"]): Buffer[] {
  const text = (name: string): Buffer => {
    const found = texts.get(name);
    return found === undefined ? nullValue() : textValue(found);
  };
  const moment = (name: string): Buffer => {
    const found = texts.get(name);
    const ms = found === undefined ? undefined : parseTime(found);
    return ms === undefined ? nullValue() : timestampValue(ms);
  };
  const contentType = texts.get("content-type");
  const isEvent = texts.has("ce_specversion");
  return [
    text("ce_id"),
    nullValue(),
    nullValue(),
    nullValue(),
    text("ce_replyto"),
    text("ce_correlationid"),
    contentType === undefined
      ? isEvent
        ? symbolValue("application/json")
        : nullValue()
      : symbolValue(contentType),
    nullValue(),
    moment("ce_expirytime"),
    moment("ce_time"),
    typeof key === "string" ? textValue(key) : nullValue(),
  ];
}
