/** An example of a payload, from its structure: something to begin with in a `curl` line. */

import type { JsonSchema, MessageType } from "../../schema/declaration.ts";

const DEPTH_MAX = 5;

/** `{}` for a type whose structure is unknown. */
export function examplePayload({ structure }: MessageType): unknown {
  return structure.known ? exampleOf(structure.jsonSchema, 0) : {};
}

function exampleOf(schema: JsonSchema | undefined, depth: number): unknown {
  if (schema === undefined || typeof schema === "boolean" || depth > DEPTH_MAX) return {};
  for (const keyword of ["const", "default"]) {
    if (keyword in schema) return schema[keyword];
  }
  for (const keyword of ["examples", "enum"]) {
    const [first] = listAt(schema, keyword);
    if (first !== undefined) return first;
  }
  for (const keyword of ["anyOf", "oneOf", "allOf"]) {
    const [first] = listAt(schema, keyword);
    if (isSchema(first)) return exampleOf(first, depth + 1);
  }
  const type = Array.isArray(schema["type"]) ? schema["type"][0] : schema["type"];
  if (type === "object") return objectExample(schema, depth);
  if (type === "array")
    return isSchema(schema["items"]) ? [exampleOf(schema["items"], depth + 1)] : [];
  if (type === "string") return stringExample(schema["format"]);
  if (type === "number" || type === "integer") return numberExample(schema);
  return type === "boolean" ? true : null;
}

/** Required members alone: an example is short. */
function objectExample(schema: Readonly<Record<string, unknown>>, depth: number): unknown {
  const properties: Readonly<Record<string, unknown>> = Object(schema["properties"]);
  const required = listAt(schema, "required").filter((name) => typeof name === "string");
  return Object.fromEntries(
    required.map((name) => {
      const property = properties[name];
      return [name, exampleOf(isSchema(property) ? property : undefined, depth + 1)];
    }),
  );
}

function stringExample(format: unknown): string {
  if (format === "date-time") return "2026-01-01T00:00:00Z";
  if (format === "date") return "2026-01-01";
  if (format === "email") return "ann@example.org";
  if (format === "uuid") return "01234567-89ab-7cde-8f01-23456789abcd";
  return "a";
}

function numberExample(schema: Readonly<Record<string, unknown>>): number {
  const { minimum, exclusiveMinimum } = schema;
  if (typeof minimum === "number")
    return Math.max(minimum, Math.min(1, Number(schema["maximum"] ?? 1)));
  return typeof exclusiveMinimum === "number" ? exclusiveMinimum + 1 : 1;
}

function listAt(schema: Readonly<Record<string, unknown>>, keyword: string): readonly unknown[] {
  const value = schema[keyword];
  return Array.isArray(value) ? value : [];
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === "boolean" || (typeof value === "object" && value !== null);
}
