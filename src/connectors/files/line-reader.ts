/** From a record of a file to a message, or to the reason why it is none. Pure. */

import { readStructured } from "../../codecs/cloudevents-http.ts";
import { parseJson } from "../../codecs/json-text.ts";
import { jsonCodec } from "../../codecs/json.ts";
import { MillraceError } from "../../model/errors.ts";
import type { Draft } from "../../model/message.ts";
import type { Channel, JsonSchema, MessageType } from "../../schema/declaration.ts";
import type { InboundMessage } from "../../service/inbound.ts";
import { parseCsvRecord } from "./format/csv-record.ts";

/** What a map gets beside the row or object. */
export interface LineContext {
  /** From 1. */
  readonly line: number;
}

export type LineMap = (row: any, context: LineContext) => Draft | undefined;

export interface LineReaderOptions {
  readonly name: string;
  readonly to: Channel;
  readonly type: MessageType | undefined;
  readonly map: LineMap | undefined;
}

export interface Line extends LineContext {
  readonly text: string;
  readonly id: string;
  readonly nowMs: number;
}

export class LineReader {
  readonly #options: LineReaderOptions;
  readonly #types: ReadonlyMap<string, MessageType>;

  constructor(options: LineReaderOptions) {
    this.#options = options;
    const types = Object.values<MessageType>(options.to.types);
    this.#types = new Map(types.map((type) => [type.type, type]));
  }

  /** A line of NDJSON. Throws BAD_JSON, BAD_ENVELOPE, UNKNOWN_TYPE, and what the map throws. */
  readJson({ text, line, id, nowMs }: Line): InboundMessage | undefined {
    const { type, map } = this.#options;
    if (map !== undefined) return this.#mapped(map(parseJson(text), { line }), id);
    if (type !== undefined) {
      parseJson(text);
      return { ...this.#origin(id), type: type.type, dataJson: text };
    }
    const event = readStructured(text, { nowMs });
    this.#typeOf(event.type);
    return { ...event, to: this.#target };
  }

  /** A record of CSV. Throws BAD_MESSAGE naming the column, UNKNOWN_TYPE, and what the map throws. */
  readCsv({ text, line, id }: Line, columns: readonly string[]): InboundMessage | undefined {
    const { type, map } = this.#options;
    const fields = parseCsvRecord(text);
    if (fields.length !== columns.length) {
      throw new MillraceError(
        "BAD_MESSAGE",
        `the record has ${fields.length} columns, and the header ${columns.length}`,
      );
    }
    const row = columns.map((column, index) => [column, fields[index]!] as const);
    if (map !== undefined) return this.#mapped(map(Object.fromEntries(row), { line }), id);
    return { ...this.#origin(id), type: type!.type, dataJson: rowJson(row, type!.jsonSchema) };
  }

  #mapped(draft: Draft | undefined, id: string): InboundMessage | undefined {
    if (draft === undefined) return undefined;
    const { jsonSchema } = this.#typeOf(draft.type);
    const dataJson = jsonCodec(jsonSchema).stringify(draft.data);
    return { ...this.#origin(id), type: draft.type, dataJson };
  }

  #origin(id: string): Pick<InboundMessage, "id" | "source" | "to"> & object {
    return { id, source: this.#options.name, to: this.#target };
  }

  get #target(): InboundMessage["to"] & object {
    const { kind, name } = this.#options.to;
    return { kind, name };
  }

  #typeOf(type: string): MessageType {
    const found = this.#types.get(type);
    if (found !== undefined) return found;
    throw new MillraceError(
      "UNKNOWN_TYPE",
      `the type ${JSON.stringify(type.slice(0, 100))} does not go to ${this.#options.to.name}; it carries ${[...this.#types.keys()].join(", ")}`,
    );
  }
}

const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/**
 * The row as a JSON object, each cell as its column's schema says: a number's digits go on as they
 * stand, and an empty cell is left out unless a text is asked for. What does not fit is a text, which
 * the schema then refuses by its name.
 */
function rowJson(
  row: readonly (readonly [column: string, cell: string])[],
  jsonSchema: JsonSchema | undefined,
): string {
  const members = row.flatMap(([column, cell]) => {
    const value = cellJson(cell, typesOf(jsonSchema, column));
    return value === undefined ? [] : [`${JSON.stringify(column)}:${value}`];
  });
  return `{${members.join(",")}}`;
}

function cellJson(cell: string, types: ReadonlySet<string>): string | undefined {
  const text = types.size === 0 || types.has("string");
  if (cell === "" && !text) return types.has("null") ? "null" : undefined;
  if ((types.has("number") || types.has("integer")) && NUMBER.test(cell)) return cell;
  if (types.has("boolean") && (cell === "true" || cell === "false")) return cell;
  return JSON.stringify(cell);
}

/** The JSON types that a top-level property may have; none where the schema does not say. */
function typesOf(schema: unknown, property: string): ReadonlySet<string> {
  const own = memberOf(memberOf(schema, "properties"), property);
  const alternatives = memberOf(own, "anyOf");
  const schemas: unknown[] = Array.isArray(alternatives) ? [own, ...alternatives] : [own];
  const types = schemas.flatMap((each) => memberOf(each, "type"));
  return new Set(types.filter((type) => typeof type === "string"));
}

function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
  const member: unknown = Reflect.get(value, name);
  return member;
}
