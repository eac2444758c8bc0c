/** Reading JSON Schema documents of unknown making. */

export type Keywords = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is Keywords {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function mapOf(value: unknown): Keywords {
  return isObject(value) ? value : {};
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

const KINDS = ["object", "array", "string", "number", "integer", "boolean", "null"] as const;

/** The JSON types that a schema allows; all of them where it says nothing. */
export function kindsOf(schema: Keywords): readonly string[] {
  const { type } = schema;
  if (typeof type === "string") return [type];
  if (Array.isArray(type)) return type.filter((kind) => typeof kind === "string");
  const values = valuesOf(schema);
  if (values !== undefined) return [...new Set(values.map(kindOfValue))];
  return KINDS.filter((kind) => kind !== "integer");
}

/** The values that a schema enumerates; undefined where it does not. */
export function valuesOf(schema: Keywords): readonly unknown[] | undefined {
  if (Object.hasOwn(schema, "const")) return [schema["const"]];
  return Array.isArray(schema["enum"]) ? schema["enum"] : undefined;
}

export function kindOfValue(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  return Number.isInteger(value) ? "integer" : typeof value;
}

/** Follows references within the document; one that leads nowhere is unknown, so `{}`. */
export function resolve(root: unknown, schema: unknown): unknown {
  let found = schema;
  for (let step = 0; step < 32; step++) {
    if (!isObject(found) || typeof found["$ref"] !== "string") return found;
    const { $ref: reference, ...beside } = found;
    const target = pointed(root, reference);
    const constraints = Object.keys(beside).filter((keyword) => !ANNOTATIONS.has(keyword));
    if (constraints.length > 0) return { allOf: [target, beside] };
    found = target;
  }
  return {};
}

const ANNOTATIONS: ReadonlySet<string> = new Set([
  "$schema",
  "$id",
  "$defs",
  "definitions",
  "title",
  "description",
  "default",
  "examples",
]);

function pointed(root: unknown, reference: string): unknown {
  if (!reference.startsWith("#")) return {};
  let found = root;
  for (const part of reference.split("/").slice(1)) {
    const name = decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~");
    found = mapOf(found)[name];
  }
  return found ?? {};
}

/** Whether two JSON values differ; the order of names does not count. */
export function differs(one: unknown, other: unknown): boolean {
  if (Array.isArray(one) && Array.isArray(other)) {
    return one.length !== other.length || one.some((item, index) => differs(item, other[index]));
  }
  if (isObject(one) && isObject(other)) {
    const names = Object.keys(one);
    return (
      names.length !== Object.keys(other).length ||
      names.some((name) => !Object.hasOwn(other, name) || differs(one[name], other[name]))
    );
  }
  return !Object.is(one, other);
}

/** A value or bound in an error text. */
export function show(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
