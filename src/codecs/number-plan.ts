/**
 * Number plans: at which places of a payload a JSON number is more than a double, by its JSON Schema.
 *
 * | format | in memory | on the wire |
 * |---|---|---|
 * | `int64`, `uint64` (type integer) | bigint | all its digits |
 * | `decimal` (type number) | the exact text, `"12.30"` | that text as a number |
 * | `double`, `float` | number | a number of any size |
 * | none | number | a number; integers beyond 2⁵³ are refused |
 *
 * A field of type string is text whatever its format. A schema may branch (`anyOf`, `$ref`, …), so a
 * place has a set of schemas, and the first of them with a format decides. Places are found while
 * data is walked and then remembered: one per set of schemas, however deep the data recurs.
 */

export type NumberFormat = "int64" | "uint64" | "decimal" | "double" | "float";

export const INTEGER_RANGES: Readonly<
  Record<"int64" | "uint64", { readonly min: bigint; readonly max: bigint }>
> = {
  int64: { min: -(2n ** 63n), max: 2n ** 63n - 1n },
  uint64: { min: 0n, max: 2n ** 64n - 1n },
};

export interface NumberPlan {
  readonly format: NumberFormat | undefined;
  property(name: string): NumberPlan | undefined;
  item(index: number): NumberPlan | undefined;
}

type Schema = Readonly<Record<string, unknown>>;

/** Undefined where no place of the schema has a number format, so that nothing need be looked up. */
export function numberPlan(jsonSchema: unknown): NumberPlan | undefined {
  if (!isSchema(jsonSchema)) return undefined;
  return placeOf([jsonSchema], { root: jsonSchema, ids: new Map(), places: new Map() });
}

interface Shared {
  readonly root: Schema;
  readonly ids: Map<Schema, number>;
  /** By the ids of the place's schemas; undefined for a place from which no format is in reach. */
  readonly places: Map<string, Place | undefined>;
}

class Place implements NumberPlan {
  readonly format: NumberFormat | undefined;
  readonly #schemas: readonly Schema[];
  readonly #shared: Shared;
  readonly #names: ReadonlySet<string>;
  readonly #properties = new Map<string, Place | undefined>();
  readonly #prefixCount: number;
  readonly #items = new Map<number, Place | undefined>();

  /** `schemas` are flat: what they refer to and branch into is among them. */
  constructor(schemas: readonly Schema[], shared: Shared) {
    this.#shared = shared;
    this.#schemas = schemas;
    this.format = schemas.map(formatOf).find((format) => format !== undefined);
    this.#names = new Set(schemas.flatMap((schema) => Object.keys(mapOf(schema["properties"]))));
    this.#prefixCount = Math.max(
      0,
      ...schemas.map((schema) => listOf(schema["prefixItems"]).length),
    );
  }

  property(name: string): NumberPlan | undefined {
    if (this.#properties.has(name)) return this.#properties.get(name);
    const place = placeOf(
      this.#schemas.flatMap((schema) => propertySchemas(schema, name)),
      this.#shared,
    );
    // Other names are not remembered: data may hold any number of them.
    if (this.#names.has(name)) this.#properties.set(name, place);
    return place;
  }

  item(index: number): NumberPlan | undefined {
    const at = Math.min(index, this.#prefixCount);
    if (this.#items.has(at)) return this.#items.get(at);
    const place = placeOf(
      this.#schemas.flatMap((schema) => {
        const prefix = listOf(schema["prefixItems"]);
        return [at < prefix.length ? prefix[at] : schema["items"]];
      }),
      this.#shared,
    );
    this.#items.set(at, place);
    return place;
  }
}

function placeOf(schemas: readonly unknown[], shared: Shared): Place | undefined {
  const flat = flatten(schemas, shared.root);
  if (flat.length === 0) return undefined;
  const name = flat.map((schema) => idOf(schema, shared.ids)).join(" ");
  if (shared.places.has(name)) return shared.places.get(name);
  const place = reachesFormat(flat, shared.root) ? new Place(flat, shared) : undefined;
  shared.places.set(name, place);
  return place;
}

function idOf(schema: Schema, ids: Map<Schema, number>): number {
  const known = ids.get(schema);
  if (known !== undefined) return known;
  ids.set(schema, ids.size);
  return ids.size - 1;
}

/** The schemas that hold at the same place, through references and branches, each once. */
function flatten(schemas: readonly unknown[], root: Schema): Schema[] {
  const flat = new Set<Schema>();
  const visit = (schema: unknown): void => {
    if (!isSchema(schema) || flat.has(schema)) return;
    flat.add(schema);
    if (typeof schema["$ref"] === "string") visit(resolve(root, schema["$ref"]));
    for (const keyword of ["allOf", "anyOf", "oneOf"]) listOf(schema[keyword]).forEach(visit);
    for (const keyword of ["if", "then", "else"]) visit(schema[keyword]);
  };
  schemas.forEach(visit);
  return [...flat];
}

function reachesFormat(schemas: readonly Schema[], root: Schema): boolean {
  const seen = new Set<Schema>(schemas);
  for (const schema of seen) {
    if (formatOf(schema) !== undefined) return true;
    const below = [
      ...Object.values(mapOf(schema["properties"])),
      ...Object.values(mapOf(schema["patternProperties"])),
      ...listOf(schema["prefixItems"]),
      schema["additionalProperties"],
      schema["items"],
    ];
    for (const next of flatten(below, root)) seen.add(next);
  }
  return false;
}

function propertySchemas(schema: Schema, name: string): readonly unknown[] {
  const declared = mapOf(schema["properties"]);
  const matching = Object.entries(mapOf(schema["patternProperties"]))
    .filter(([pattern]) => new RegExp(pattern, "u").test(name))
    .map(([, found]) => found);
  if (Object.hasOwn(declared, name)) matching.push(declared[name]);
  return matching.length > 0 ? matching : [schema["additionalProperties"]];
}

const FORMATS: ReadonlySet<unknown> = new Set(["int64", "uint64", "decimal", "double", "float"]);

function formatOf({ type, format }: Schema): NumberFormat | undefined {
  if (!isNumberFormat(format)) return undefined;
  const types: readonly unknown[] = Array.isArray(type) ? type : [type];
  return types.includes("number") || types.includes("integer") ? format : undefined;
}

function isNumberFormat(format: unknown): format is NumberFormat {
  return FORMATS.has(format);
}

/** References within the document: `#` and `#/$defs/Money`. Others lead nowhere. */
function resolve(root: Schema, reference: string): unknown {
  if (!reference.startsWith("#")) return undefined;
  let found: unknown = root;
  for (const part of reference.split("/").slice(1)) {
    const name = decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~");
    found = mapOf(found)[name];
  }
  return found;
}

function isSchema(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function mapOf(value: unknown): Schema {
  return isSchema(value) ? value : {};
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
