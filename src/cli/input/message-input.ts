/**
 * From a line of JSON to a message to publish. Three forms are understood:
 *
 * - with a type named, by `--type` or `--type-field`, the whole line is the payload, and options say
 *   where in it the envelope's fields stand;
 * - a CloudEvents 1.0 event in JSON form, known by its `specversion`;
 * - a line of the door's own form: `{"type":"order.placed","key":"o1","data":{…}}`.
 *
 * In all of them the payload's text goes on untouched, every digit of it.
 */

import type { PublishRequest, Target } from "../../admin/admin.ts";
import { readStructured } from "../../codecs/cloudevents-http.ts";
import { readPublishLine } from "../../http/publish-line.ts";
import { MillraceError } from "../../model/errors.ts";

export interface MessageMapping {
  /** The type of all messages. */
  readonly type?: string;
  readonly key?: string;
  readonly source?: string;
  readonly to?: Target;
  /** Dotted paths into the payload: `repo.name`. */
  readonly typeField?: string;
  readonly keyField?: string;
  readonly idField?: string;
  /** ISO 8601 text, or milliseconds since 1970. */
  readonly timeField?: string;
}

/** Throws BAD_JSON or BAD_ENVELOPE, naming what is missing and where it was looked for. */
export function parseMessage(
  text: string,
  mapping: MessageMapping,
  context: { readonly nowMs: number },
): PublishRequest {
  const value = parseJson(text);
  if (mapping.type !== undefined || mapping.typeField !== undefined) {
    return fromPayload(text.trim(), value, mapping);
  }
  if (!isObject(value)) {
    throw new MillraceError(
      "BAD_ENVELOPE",
      'a message is a JSON object with "type" and "data"; to publish the value itself, name its type with --type',
    );
  }
  const { key, source, to } = mapping;
  const request = Object.hasOwn(value, "specversion")
    ? readStructured(text, context)
    : readPublishLine(text);
  return { ...request, ...optional({ key, source, to }) };
}

/** `stream:orders`, `queue:order-desk`, or a bare name, which is a stream's. Throws BAD_ARGUMENT. */
export function parseTarget(text: string): Target {
  const [, kind = "stream", name = ""] = /^(?:(stream|queue):)?([^:]+)$/.exec(text) ?? [];
  if ((kind === "stream" || kind === "queue") && name !== "") return { kind, name };
  throw new MillraceError(
    "BAD_ARGUMENT",
    `--to ${text} names no target; write stream:NAME or queue:NAME`,
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new MillraceError("BAD_JSON", `not JSON: ${reason}`, { cause });
  }
}

function fromPayload(dataJson: string, payload: unknown, mapping: MessageMapping): PublishRequest {
  const { typeField, keyField, idField, timeField } = mapping;
  const type = typeField === undefined ? mapping.type : textAt(payload, typeField, "type");
  const key = keyField === undefined ? mapping.key : textAt(payload, keyField, "key");
  return {
    type: type ?? "",
    dataJson,
    ...optional({
      key,
      id: idField === undefined ? undefined : textAt(payload, idField, "id"),
      time: timeField === undefined ? undefined : momentOf(valueAt(payload, timeField), timeField),
      source: mapping.source,
      to: mapping.to,
    }),
  };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The value at a dotted path; a member whose own name holds dots goes before. */
function valueAt(value: unknown, path: string): unknown {
  if (!isObject(value)) return undefined;
  if (Object.hasOwn(value, path)) return value[path];
  const dot = path.indexOf(".");
  if (dot < 0) return undefined;
  const head = path.slice(0, dot);
  return Object.hasOwn(value, head) ? valueAt(value[head], path.slice(dot + 1)) : undefined;
}

function textAt(payload: unknown, path: string, field: string): string {
  const value = valueAt(payload, path);
  if (typeof value === "string" && value !== "") return value;
  if (typeof value === "number" && Number.isSafeInteger(value)) return String(value);
  if (typeof value === "boolean") return String(value);
  const found = value === undefined ? "is missing" : "is not a text or a safe whole number";
  throw new MillraceError("BAD_ENVELOPE", `the ${field} should stand in ${path}, which ${found}`, {
    details: { field, path },
  });
}

function momentOf(value: unknown, path: string): number {
  const timeMs = typeof value === "string" ? Date.parse(value) : value;
  if (typeof timeMs === "number" && Number.isSafeInteger(timeMs)) return timeMs;
  throw new MillraceError(
    "BAD_ENVELOPE",
    `the time in ${path} is neither ISO 8601 nor milliseconds since 1970`,
    { details: { field: "time", path } },
  );
}

/** Without the undefined ones: an absent field and an undefined one are not the same on the wire. */
function optional<Fields extends object>(
  fields: Fields,
): { [Name in keyof Fields]?: Exclude<Fields[Name], undefined> } {
  const present = Object.entries(fields).filter(([, value]) => value !== undefined);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- fromEntries forgets the names
  return Object.fromEntries(present) as {
    [Name in keyof Fields]?: Exclude<Fields[Name], undefined>;
  };
}
