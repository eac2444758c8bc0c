/**
 * Calling a Standard Schema without waiting.
 *
 * The standard lets `validate` answer with a promise, and says nothing of exceptions. Some libraries
 * throw when a transform or a refinement does; zod answers with a promise instead, as if it were
 * asynchronous, and only its own synchronous call tells the two apart.
 */

import type { StandardSchemaV1 } from "@standard-schema/spec";

export type Validation<Output> =
  | { readonly status: "valid"; readonly value: Output }
  | { readonly status: "invalid"; readonly issues: readonly StandardSchemaV1.Issue[] }
  /** The schema cannot answer without waiting. */
  | { readonly status: "asynchronous" }
  /** User code in the schema threw. */
  | { readonly status: "threw"; readonly error: unknown };

export function validate<Output>(
  schema: StandardSchemaV1<unknown, Output>,
  data: unknown,
): Validation<Output> {
  try {
    const result = schema["~standard"].validate(data);
    if (result instanceof Promise) {
      // Its result is of no interest, and must not end the process as an unhandled rejection.
      result.catch(() => undefined);
      callWithoutWaiting(schema, data);
      return { status: "asynchronous" };
    }
    if (result.issues !== undefined) return { status: "invalid", issues: result.issues };
    return { status: "valid", value: result.value };
  } catch (error) {
    return { status: "threw", error };
  }
}

/** Throws what the schema throws, except that it is asynchronous. */
function callWithoutWaiting(schema: StandardSchemaV1, data: unknown): void {
  if (!("safeParse" in schema) || typeof schema.safeParse !== "function") return;
  try {
    schema.safeParse(data);
  } catch (error) {
    if (!/Async/.test(error instanceof Error ? error.constructor.name : "")) throw error;
  }
}

/** The refusal's text, at the declaration or at the first payload. */
export function asynchronousSchema(what: string): string {
  return `${what} has an asynchronous schema; validate without waiting, and look things up in the handler`;
}
