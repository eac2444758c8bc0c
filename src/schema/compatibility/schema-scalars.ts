/** Comparing what two schemas say of one value by itself: types, listed values, bounds, formats. */

import { differs, kindsOf, listOf, show, valuesOf, type Keywords } from "./schema-terms.ts";

export interface ScalarProblem {
  readonly why: string;
  readonly certain: boolean;
}

/** What a value may be under `writer` that `reader` does not take. */
export function scalarProblems(writer: Keywords, reader: Keywords): ScalarProblem[] {
  const types = typeProblems(writer, reader);
  if (types.length > 0) return types;
  const values = valueProblems(writer, reader);
  if (values !== undefined) return values;
  return [
    ...boundProblems(writer, reader),
    ...formatProblems(writer, reader),
    ...patternProblems(writer, reader),
  ];
}

function typeProblems(writer: Keywords, reader: Keywords): ScalarProblem[] {
  const taken = kindsOf(reader);
  const refused = kindsOf(writer).filter(
    (kind) => !taken.includes(kind) && !(kind === "integer" && taken.includes("number")),
  );
  if (refused.length === 0) return [];
  // Seven types are "anything"; saying so is clearer than listing them.
  const written =
    kindsOf(writer).length >= 6
      ? "anything may be written"
      : `${refused.join(" or ")} may be written`;
  return [breaks(`takes ${taken.join(" or ")}, and ${written}`)];
}

/** Undefined where neither side lists values. Listed values settle everything else, too. */
function valueProblems(writer: Keywords, reader: Keywords): ScalarProblem[] | undefined {
  const written = valuesOf(writer);
  const taken = valuesOf(reader);
  if (taken === undefined) {
    if (written === undefined) return undefined;
    const bounded = Object.keys(reader).some(
      (keyword) => BOUNDS.has(keyword) || keyword === "pattern",
    );
    return bounded ? [unclear("bounds values that the writer lists")] : [];
  }
  if (written === undefined) {
    return [breaks(`takes only ${taken.map(show).join(", ")}, and other values may be written`)];
  }
  const refused = written.filter((value) => !taken.some((other) => !differs(value, other)));
  return refused.length === 0 ? [] : [breaks(`does not take ${refused.map(show).join(", ")}`)];
}

/** How a bound of the reader must stand to the writer's: `<=` for lower bounds, `>=` for upper ones. */
const BOUNDS: ReadonlyMap<string, { readonly upper: boolean; readonly kind: string }> = new Map([
  ["minimum", { upper: false, kind: "number" }],
  ["exclusiveMinimum", { upper: false, kind: "number" }],
  ["minLength", { upper: false, kind: "string" }],
  ["minItems", { upper: false, kind: "array" }],
  ["minProperties", { upper: false, kind: "object" }],
  ["maximum", { upper: true, kind: "number" }],
  ["exclusiveMaximum", { upper: true, kind: "number" }],
  ["maxLength", { upper: true, kind: "string" }],
  ["maxItems", { upper: true, kind: "array" }],
  ["maxProperties", { upper: true, kind: "object" }],
]);

function boundProblems(writer: Keywords, reader: Keywords): ScalarProblem[] {
  const kinds = kindsOf(writer);
  const problems: ScalarProblem[] = [];
  for (const [keyword, { upper, kind }] of BOUNDS) {
    const bound = reader[keyword];
    const applies = kinds.includes(kind) || (kind === "number" && kinds.includes("integer"));
    if (typeof bound !== "number" || !applies) continue;
    const written = writtenBound(writer, keyword);
    const within = written !== undefined && (upper ? written <= bound : written >= bound);
    if (!within) {
      problems.push(
        breaks(
          `demands ${keyword} ${bound}, and the writer ${written === undefined ? "has none" : `${written}`}`,
        ),
      );
    }
  }
  const { multipleOf } = reader;
  if (typeof multipleOf === "number" && Number(writer["multipleOf"]) % multipleOf !== 0) {
    problems.push(breaks(`demands multiples of ${multipleOf}`));
  }
  if (reader["uniqueItems"] === true && writer["uniqueItems"] !== true && kinds.includes("array")) {
    problems.push(breaks("demands unique items"));
  }
  return problems;
}

/** An exclusive bound implies the inclusive one, and the length of a tuple is a bound of its items. */
function writtenBound(writer: Keywords, keyword: string): number | undefined {
  const candidates: unknown[] = [writer[keyword]];
  if (keyword === "minimum") candidates.push(writer["exclusiveMinimum"]);
  if (keyword === "maximum") candidates.push(writer["exclusiveMaximum"]);
  if (keyword === "maxItems" && writer["items"] === false)
    candidates.push(listOf(writer["prefixItems"]).length);
  if (keyword.startsWith("min") && keyword !== "minimum") candidates.push(0);
  return candidates.find((candidate) => typeof candidate === "number");
}

/** Formats that decide how a number is read; see `codecs/number-plan`. */
const EXACT_NUMBERS: ReadonlySet<unknown> = new Set(["int64", "uint64", "decimal"]);

function formatProblems(writer: Keywords, reader: Keywords): ScalarProblem[] {
  const written = writer["format"];
  const taken = reader["format"];
  if (written === taken) return [];
  const numeric = kindsOf(writer).some((kind) => kind === "number" || kind === "integer");
  if (numeric && EXACT_NUMBERS.has(written)) {
    return [
      breaks(
        `reads ${taken === undefined ? "plain numbers" : show(taken)}, and ${show(written)} is written`,
      ),
    ];
  }
  if (taken === undefined || (numeric && written === undefined && taken !== "uint64")) return [];
  if (written === undefined)
    return [breaks(`demands the format ${show(taken)}, and any is written`)];
  return [breaks(`demands the format ${show(taken)}, and ${show(written)} is written`)];
}

function patternProblems(writer: Keywords, reader: Keywords): ScalarProblem[] {
  const { pattern } = reader;
  if (pattern === undefined || pattern === writer["pattern"] || !kindsOf(writer).includes("string"))
    return [];
  if (writer["pattern"] === undefined)
    return [breaks(`demands the pattern ${show(pattern)}, and any text is written`)];
  return [
    unclear(
      `demands the pattern ${show(pattern)}, and ${show(writer["pattern"])} is written, which cannot be compared`,
    ),
  ];
}

function breaks(why: string): ScalarProblem {
  return { why, certain: true };
}

function unclear(why: string): ScalarProblem {
  return { why, certain: false };
}
