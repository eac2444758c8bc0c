/**
 * Payloads against their schemas: on the way out the draft's data is checked and its key computed,
 * on the way in an older version is brought up to today's and checked.
 *
 * What is stored is the schema's input, as the constructor took it; what handlers get is its output.
 */

import type { StandardSchemaV1 } from "@standard-schema/spec";
import { MillraceError } from "../model/errors.ts";
import { LIMITS } from "../model/limits.ts";
import type { CommandType, MessageType } from "./declaration.ts";
import { asynchronousSchema, validate } from "./validate.ts";

export interface CheckedPayload<Output> {
  /** What a handler would get. The wire stores what was given instead. */
  readonly output: Output;
  readonly key: string | undefined;
}

/** Issues that are told in an error; a large array can have thousands. */
const ISSUES_MAX = 5;
const UTF8_BYTES_PER_UNIT_MAX = 3;

/**
 * Checks data that is about to be published.
 *
 * Throws BAD_PAYLOAD naming the fields (details: type, fields), also where the key is not a text of
 * 1 to 1,024 bytes; BAD_DECLARATION where the schema turns out to be asynchronous.
 */
export function checkPayload<Output>(
  type: MessageType<string, any, Output>,
  data: unknown,
): CheckedPayload<Output> {
  const output = outputOf(type, data);
  return { output, key: keyOf(type, output) };
}

/**
 * Turns the stored data of a message into what handlers get: upcast to today's version, then
 * validated.
 *
 * Throws UNKNOWN_VERSION where the version is newer than this program's, or no version at all;
 * BAD_PAYLOAD where an upcaster fails or the result does not fit the schema.
 */
export function readPayload<Output>(
  type: MessageType<string, any, Output>,
  version: number,
  data: unknown,
): Output {
  return outputOf(type, version === type.version ? data : upcast(type, version, data));
}

/**
 * What whoever asked gets: the answer that a command's handler gave, validated.
 *
 * Throws BAD_PAYLOAD where it does not fit the command's `replies`, and for an answer to a command
 * that declares none.
 */
export function readReply(command: CommandType, data: unknown): unknown {
  const type = `the reply to ${command.type}`;
  if (command.replies === undefined) {
    if (data === undefined) return undefined;
    throw new MillraceError(
      "BAD_PAYLOAD",
      `${type} is not declared; give the command a schema in replies, or return nothing`,
      { details: { type: command.type, fields: ["reply"] } },
    );
  }
  return outputOf({ type, kind: "reply", schema: command.replies }, data);
}

function upcast(type: MessageType, version: number, data: unknown): unknown {
  if (!Number.isInteger(version) || version < 1 || version > type.version) {
    throw new MillraceError(
      "UNKNOWN_VERSION",
      `${type.type} has version ${version}, and this program reads 1 to ${type.version}; deploy its newer contract here, then redrive`,
      { details: { type: type.type, version, newest: type.version } },
    );
  }
  let current = data;
  for (let from = version; from < type.version; from++) {
    try {
      current = type.upcast[from]!(current);
    } catch (cause) {
      throw failed(type, `the upcaster from version ${from}`, cause);
    }
  }
  return current;
}

/** What a payload is checked against, and how it is named in errors. */
interface Checked<Output> {
  readonly type: string;
  readonly kind: string;
  readonly schema: StandardSchemaV1<any, Output>;
}

function outputOf<Output>(type: Checked<Output>, data: unknown): Output {
  const validation = validate<Output>(type.schema, data);
  if (validation.status === "valid") return validation.value;
  if (validation.status === "invalid") throw badPayload(type, validation.issues);
  if (validation.status === "threw") throw failed(type, "the schema", validation.error);
  throw new MillraceError("BAD_DECLARATION", asynchronousSchema(`${type.kind} "${type.type}"`));
}

function failed(type: Pick<Checked<unknown>, "type">, what: string, cause: unknown): MillraceError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new MillraceError("BAD_PAYLOAD", `${type.type}: ${what} failed: ${reason}`, {
    cause,
    details: { type: type.type, fields: ["data"] },
  });
}

function badPayload(
  type: Pick<Checked<unknown>, "type">,
  issues: readonly StandardSchemaV1.Issue[],
): MillraceError {
  const told = issues.slice(0, ISSUES_MAX).map((issue) => `${fieldOf(issue)}: ${issue.message}`);
  const rest = issues.length > ISSUES_MAX ? `; and ${issues.length - ISSUES_MAX} more` : "";
  return new MillraceError("BAD_PAYLOAD", `${type.type}: ${told.join("; ")}${rest}`, {
    details: { type: type.type, fields: issues.slice(0, ISSUES_MAX).map(fieldOf) },
  });
}

/** `lines[2].price`, or `data` for the payload as a whole. */
function fieldOf({ path = [] }: StandardSchemaV1.Issue): string {
  let field = "";
  for (const segment of path) {
    const key = typeof segment === "object" ? segment.key : segment;
    if (typeof key === "number") field += `[${key}]`;
    else field += field === "" ? String(key) : `.${String(key)}`;
  }
  return field === "" ? "data" : field;
}

function keyOf<Output>(type: MessageType<string, any, Output>, output: Output): string | undefined {
  if (type.key === undefined) return undefined;
  const key: unknown = type.key(output);
  if (typeof key !== "string" || key === "") {
    throw new MillraceError(
      "BAD_PAYLOAD",
      `${type.type}: the key is ${key === "" ? "empty" : String(key)}; the declaration's key function must return a text for every valid payload`,
      { details: { type: type.type, fields: ["key"] } },
    );
  }
  if (!key.isWellFormed()) {
    throw new MillraceError(
      "BAD_PAYLOAD",
      `${type.type}: the key holds half a surrogate pair, which UTF-8 cannot; it would become the key of others`,
      { details: { type: type.type, fields: ["key"] } },
    );
  }
  if (key.length * UTF8_BYTES_PER_UNIT_MAX > LIMITS.keyBytesMax) checkKeyBytes(type, key);
  return key;
}

function checkKeyBytes(type: MessageType, key: string): void {
  const bytes = new TextEncoder().encode(key).length;
  if (bytes <= LIMITS.keyBytesMax) return;
  throw new MillraceError(
    "BAD_PAYLOAD",
    `${type.type}: the key has ${bytes} bytes, at most ${LIMITS.keyBytesMax} are allowed; use a shorter one or its hash`,
    { details: { type: type.type, fields: ["key"] } },
  );
}
