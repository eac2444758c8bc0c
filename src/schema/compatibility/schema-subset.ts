/**
 * The question behind compatibility: what may a writer write that a reader does not take?
 *
 * Keyword by keyword of JSON Schema 2020-12, as far as schema libraries make use of it. A keyword
 * that both sides have alike is settled; one that is not understood here and differs makes the answer
 * unclear at that field. Annotations (title, default, …) never matter.
 */

import type { JsonSchema } from "../declaration.ts";
import { scalarProblems } from "./schema-scalars.ts";
import {
  differs,
  isObject,
  kindsOf,
  listOf,
  mapOf,
  resolve,
  type Keywords,
} from "./schema-terms.ts";

export interface Problem {
  readonly field: string;
  /** Completes the sentence "the reader …". */
  readonly why: string;
  /** False where the two could not be compared. */
  readonly certain: boolean;
}

export interface Sides<Schema = JsonSchema> {
  readonly writer: Schema;
  readonly reader: Schema;
}

/** Empty where the reader takes everything that the writer may write. */
export function acceptProblems(roots: Sides): Problem[] {
  return new Subset(roots).compare(roots, "");
}

const UNDERSTOOD: ReadonlySet<string> = new Set(
  `type enum const properties required additionalProperties items prefixItems minItems maxItems
  uniqueItems minProperties maxProperties minimum maximum exclusiveMinimum exclusiveMaximum multipleOf
  minLength maxLength pattern format anyOf oneOf allOf $ref $defs definitions $schema $id $anchor
  $comment title description default examples deprecated readOnly writeOnly`.split(/\s+/),
);

/** A reference with constraints beside it makes a new schema at every turn, so turns are counted. */
const DEPTH_MAX = 100;

class Subset {
  readonly #roots: Sides;
  /** Pairs under comparison: a recursive schema that comes back to one has nothing new to say. */
  readonly #open: Sides<unknown>[] = [];

  constructor(roots: Sides) {
    this.#roots = roots;
  }

  compare(sides: Sides<unknown>, field: string): Problem[] {
    const writer = resolve(this.#roots.writer, sides.writer);
    const reader = resolve(this.#roots.reader, sides.reader);
    if (this.#open.some((open) => open.writer === writer && open.reader === reader)) return [];
    if (this.#open.length > DEPTH_MAX) return [unclear(field, "nests too deeply to be compared")];
    this.#open.push({ writer, reader });
    const problems = this.#resolved(writer, reader, field);
    this.#open.pop();
    return problems;
  }

  #resolved(writer: unknown, reader: unknown, field: string): Problem[] {
    if (reader === undefined || reader === true || writer === false) return [];
    if (reader === false) return [problem(field, "takes no value here")];
    if (!isObject(reader)) return [unclear(field, "has a schema that is none")];
    const written = isObject(writer) ? writer : {};
    if (written["allOf"] !== undefined || reader["allOf"] !== undefined) {
      return this.#conjunctions(written, reader, field);
    }
    const branches = branchesOf(written);
    if (branches !== undefined) {
      return branches.flatMap((branch) => this.compare({ writer: branch, reader }, field));
    }
    const alternatives = branchesOf(reader);
    if (alternatives !== undefined) return this.#alternatives(written, alternatives, field);
    return this.#plain(written, reader, field);
  }

  /** The writer's value must suit one alternative; of several that it does not, the nearest is told. */
  #alternatives(writer: Keywords, alternatives: readonly unknown[], field: string): Problem[] {
    const kinds = kindsOf(writer);
    if (kinds.length > 1 && writer["enum"] === undefined && writer["const"] === undefined) {
      return kinds.flatMap((type) => this.#alternatives({ ...writer, type }, alternatives, field));
    }
    const attempts = alternatives.map((reader) => this.compare({ writer, reader }, field));
    const [nearest = []] = attempts.toSorted((one, other) => weight(one) - weight(other));
    if (nearest.length === 0 || alternatives.length === 1) return nearest;
    if (nearest.every(({ certain }) => !certain)) return nearest;
    const told = nearest.map((each) =>
      each.field === (field || "data") ? each.why : `${each.field}: ${each.why}`,
    );
    return [problem(field, `has no alternative that takes it; the nearest ${told.join(", and ")}`)];
  }

  #conjunctions(writer: Keywords, reader: Keywords, field: string): Problem[] {
    const written = merged(writer, (schema) => resolve(this.#roots.writer, schema));
    if (written === undefined)
      return [unclear(field, "meets an allOf of the writer that contradicts itself")];
    const { allOf, ...rest } = reader;
    return [rest, ...listOf(allOf)].flatMap((part) =>
      // The whole of the writer's branches meets each part of the reader's.
      this.compare({ writer: written, reader: part }, field),
    );
  }

  #plain(writer: Keywords, reader: Keywords, field: string): Problem[] {
    const problems = scalarProblems(writer, reader).map(({ why, certain }): Problem => ({
      field: field || "data",
      why,
      certain,
    }));
    if (problems.some(({ certain }) => certain)) return problems;
    const kinds = kindsOf(writer);
    if (kinds.includes("object")) problems.push(...this.#objects(writer, reader, field));
    if (kinds.includes("array")) problems.push(...this.#arrays(writer, reader, field));
    for (const keyword of Object.keys(reader)) {
      if (UNDERSTOOD.has(keyword) || keyword.startsWith("x-")) continue;
      if (differs(writer[keyword], reader[keyword])) {
        problems.push(unclear(field, `has the keyword ${keyword}, which cannot be judged`));
      }
    }
    return problems;
  }

  #objects(writer: Keywords, reader: Keywords, field: string): Problem[] {
    const written = mapOf(writer["properties"]);
    const read = mapOf(reader["properties"]);
    const others = reader["additionalProperties"];
    const always = listOf(writer["required"]);
    const problems: Problem[] = [];
    for (const name of listOf(reader["required"])) {
      if (typeof name === "string" && !always.includes(name)) {
        const why = Object.hasOwn(written, name) ? "may be left out" : "is not written";
        problems.push(problem(below(field, name), `requires it, and it ${why}`));
      }
    }
    for (const [name, schema] of Object.entries(written)) {
      if (Object.hasOwn(read, name)) {
        problems.push(...this.compare({ writer: schema, reader: read[name] }, below(field, name)));
      } else if (others === false) {
        problems.push(problem(below(field, name), "takes no properties but its own"));
      } else {
        problems.push(...this.compare({ writer: schema, reader: others }, below(field, name)));
      }
    }
    const extra = writer["additionalProperties"];
    if (extra !== undefined && extra !== false) {
      problems.push(...this.compare({ writer: extra, reader: others }, below(field, "*")));
    }
    return problems;
  }

  #arrays(writer: Keywords, reader: Keywords, field: string): Problem[] {
    const written = listOf(writer["prefixItems"]);
    const read = listOf(reader["prefixItems"]);
    const count = Math.max(written.length, read.length);
    const item = (schema: Keywords, prefix: readonly unknown[], index: number): unknown =>
      index < prefix.length ? prefix[index] : schema["items"];
    const problems: Problem[] = [];
    for (let index = 0; index < count; index++) {
      const sides = { writer: item(writer, written, index), reader: item(reader, read, index) };
      problems.push(...this.compare(sides, `${field}[${index}]`));
    }
    const rest = { writer: writer["items"], reader: reader["items"] };
    return [...problems, ...this.compare(rest, `${field}[]`)];
  }
}

/** The writer's branches, or the reader's alternatives, each with what stands beside them. */
function branchesOf(schema: Keywords): readonly unknown[] | undefined {
  const { anyOf, oneOf, ...beside } = schema;
  const branches = Array.isArray(anyOf) ? anyOf : oneOf;
  if (!Array.isArray(branches)) return undefined;
  const constraints = Object.keys(beside).filter((keyword) => !keyword.startsWith("$"));
  if (constraints.length === 0) return branches;
  return branches.map((branch: unknown) => ({ allOf: [beside, branch] }));
}

/** One schema for an allOf: properties and required join, anything else may stand only once. */
function merged(schema: Keywords, resolved: (schema: unknown) => unknown): Keywords | undefined {
  const { allOf, ...rest } = schema;
  const result: Record<string, unknown> = { ...rest };
  for (const part of listOf(allOf)) {
    const found = resolved(part);
    if (found === true) continue;
    const flat = isObject(found) ? merged(found, resolved) : undefined;
    if (flat === undefined) return undefined;
    for (const [keyword, value] of Object.entries(flat)) {
      const before = result[keyword];
      if (keyword === "properties") result[keyword] = { ...mapOf(before), ...mapOf(value) };
      else if (keyword === "required") result[keyword] = [...listOf(before), ...listOf(value)];
      else if (before === undefined || !differs(before, value)) result[keyword] = value;
      else return undefined;
    }
  }
  return result;
}

function weight(problems: readonly Problem[]): number {
  return problems.reduce((sum, { certain }) => sum + (certain ? 1_000 : 1), 0);
}

function below(field: string, name: string): string {
  return field === "" ? name : `${field}.${name}`;
}

function problem(field: string, why: string): Problem {
  return { field: field || "data", why, certain: true };
}

function unclear(field: string, why: string): Problem {
  return { field: field || "data", why, certain: false };
}
