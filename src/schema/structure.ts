/**
 * Structure: a payload's JSON Schema, where one can be had.
 *
 * A Standard Schema validates and says nothing about what it accepts. Its structure comes from the
 * declaration's `jsonSchema` option, which wins, or from the library's Standard JSON Schema trait
 * (`~standard.jsonSchema`: zod and arktype have it, valibot needs the option or `@valibot/to-json-schema`).
 * It is always the structure of the schema's input, because that is what the wire stores.
 *
 * JSON Schema has no word for 64-bit integers, so libraries refuse to convert a `bigint`. Two of them
 * take conversion hooks through the trait's `libraryOptions`, with which a bigint becomes
 * `{ type: "integer", format: "int64" }`; other libraries ignore options that are not theirs.
 */

import type { StandardJSONSchemaV1, StandardSchemaV1 } from "@standard-schema/spec";
import type { JsonSchema, Structure } from "./declaration.ts";

/** Never throws: a library that cannot convert a schema leaves its structure unknown, with its reason. */
export function structureOf(schema: StandardSchemaV1, declared?: JsonSchema): Structure {
  if (declared !== undefined) return { known: true, jsonSchema: declared };
  const standard = schema["~standard"] as StandardSchemaV1.Props &
    Partial<StandardJSONSchemaV1.Props>;
  if (standard.jsonSchema === undefined) {
    return { known: false, why: `${standard.vendor} schemas do not describe themselves` };
  }
  try {
    const libraryOptions = INTEGER_HOOKS[standard.vendor];
    const jsonSchema = standard.jsonSchema.input({
      target: "draft-2020-12",
      ...(libraryOptions && { libraryOptions }),
    });
    return { known: true, jsonSchema };
  } catch (error) {
    return { known: false, why: error instanceof Error ? error.message : String(error) };
  }
}

interface ZodContext {
  readonly zodSchema: { readonly _zod: { readonly def: { type: string; format?: string } } };
  readonly jsonSchema: Record<string, unknown>;
}

interface ArkContext {
  readonly base: object;
  readonly domain?: string;
}

const INTEGER_HOOKS: Readonly<Record<string, Record<string, unknown>>> = {
  zod: {
    unrepresentable: "any",
    override: ({ zodSchema, jsonSchema }: ZodContext): void => {
      const { type, format } = zodSchema._zod.def;
      if (type === "bigint") {
        jsonSchema["type"] = "integer";
        jsonSchema["format"] ??= format === "uint64" ? "uint64" : "int64";
      } else if (NOT_JSON.has(type)) {
        throw new Error(`JSON has no ${type}`);
      }
    },
  },
  arktype: {
    fallback: {
      domain: ({ base, domain }: ArkContext): object => {
        if (domain !== "bigint") throw new Error(`JSON has no ${domain}`);
        return { ...base, type: "integer", format: "int64" };
      },
      date: (): never => {
        throw new Error("JSON has no Date");
      },
      proto: (): never => {
        throw new Error("JSON has no class instances");
      },
    },
  },
};

/** What zod would otherwise pass over in silence once `unrepresentable` is "any". */
const NOT_JSON: ReadonlySet<string> = new Set([
  "date",
  "map",
  "set",
  "symbol",
  "undefined",
  "void",
  "nan",
  "function",
  "file",
  "promise",
]);
