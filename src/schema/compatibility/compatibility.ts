/**
 * Whether readers of one structure can read what writers of another write, by JSON Schema.
 *
 * One question answers both directions: does the reader take everything that the writer may write?
 * **Backward**: the reader has the newer schema and the writer had the older one (kept messages stay
 * readable). **Forward**: the reader still has the older schema (services not yet deployed go on).
 *
 * Writers are taken at their word: they write the properties that they declare, and others only if
 * `additionalProperties` says so aloud. What cannot be compared (a changed pattern, a keyword that is
 * not known here) is reported as unclear, never as compatible.
 */

import type { JsonSchema } from "../declaration.ts";
import { acceptProblems, type Problem } from "./schema-subset.ts";

export type Verdict = "compatible" | "breaks" | "unclear";

export interface FieldChange {
  /** `lines[].price`, or `data` for the payload as a whole. */
  readonly field: string;
  readonly backward: Verdict;
  readonly forward: Verdict;
  /** Why not compatible, for each direction that is not; otherwise what changed. */
  readonly reasons: readonly string[];
}

export interface Comparison {
  readonly backward: Verdict;
  readonly forward: Verdict;
  /** Ordered by field. Empty where nothing of consequence changed. */
  readonly fields: readonly FieldChange[];
}

export function compareSchemas(older: JsonSchema, newer: JsonSchema): Comparison {
  const backward = acceptProblems({ writer: older, reader: newer });
  const forward = acceptProblems({ writer: newer, reader: older });
  const added = newFields(older, newer).map((field) => [field, "added"] as const);
  const removed = newFields(newer, older).map((field) => [field, "removed"] as const);
  const harmless = new Map<string, string>([...added, ...removed]);
  const fields = new Set([...backward, ...forward].map(({ field }) => field));
  for (const field of harmless.keys()) fields.add(field);
  return {
    backward: verdictOf(backward),
    forward: verdictOf(forward),
    fields: [...fields].toSorted().map((field) => {
      const back = backward.filter((problem) => problem.field === field);
      const fore = forward.filter((problem) => problem.field === field);
      const change = harmless.get(field);
      return {
        field,
        backward: verdictOf(back),
        forward: verdictOf(fore),
        reasons: [
          ...(change === undefined ? [] : [change]),
          ...back.map(({ why }) => `a newer reader ${why}`),
          ...fore.map(({ why }) => `an older reader ${why}`),
        ],
      };
    }),
  };
}

function verdictOf(problems: readonly Problem[]): Verdict {
  if (problems.some(({ certain }) => certain)) return "breaks";
  return problems.length > 0 ? "unclear" : "compatible";
}

/** Properties that only `newer` declares, where both are plain objects. */
function newFields(older: JsonSchema, newer: JsonSchema, path = ""): string[] {
  const before = propertiesOf(older);
  return Object.entries(propertiesOf(newer)).flatMap(([name, schema]) => {
    const field = path === "" ? name : `${path}.${name}`;
    return Object.hasOwn(before, name) ? newFields(before[name]!, schema, field) : [field];
  });
}

function propertiesOf(schema: JsonSchema): Readonly<Record<string, JsonSchema>> {
  // A lock that somebody has edited may hold null, too.
  const properties = isSchemaMap(schema) ? schema["properties"] : undefined;
  return isSchemaMap(properties) ? properties : {};
}

function isSchemaMap(value: unknown): value is Readonly<Record<string, JsonSchema>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
