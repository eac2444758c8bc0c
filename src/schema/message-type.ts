/** `event`, `command` and `timer`: the kinds of message that services declare. */

import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { Draft } from "../model/message.ts";
import type {
  CommandType,
  EventType,
  JsonSchema,
  MessageType,
  Structure,
  TimerType,
  Upcasters,
} from "./declaration.ts";
import { checkName, checkOptionNames, checkWholeNumber, refuse } from "./refusal.ts";
import { structureOf } from "./structure.ts";
import { asynchronousSchema, validate } from "./validate.ts";

export interface MessageTypeOptions<Output> {
  /**
   * The partition key, from validated data: messages of one key keep their order. Without it
   * messages are spread and have no order among them.
   */
  readonly key?: (data: Output) => string;
  /** The version of the schema, from 1; 1 unless said. Every older one needs its step in `upcast`. */
  readonly version?: number;
  readonly upcast?: Upcasters;
  /** The structure of the schema's input; needed where the library cannot tell it, and wins otherwise. */
  readonly jsonSchema?: JsonSchema;
}

export interface CommandOptions<Output> extends MessageTypeOptions<Output> {
  /** The codes with which a handler may refuse the command. */
  readonly refuses?: readonly string[];
  /** What its handler answers with; without it the answer says only that the command was done. */
  readonly replies?: StandardSchemaV1;
}

type CodeOf<Options> = Options extends { readonly refuses: readonly (infer Code extends string)[] }
  ? Code
  : never;
type ReplyIn<Options> = Options extends { readonly replies: infer Schema extends StandardSchemaV1 }
  ? StandardSchemaV1.InferInput<Schema>
  : void;

type Input<Schema extends StandardSchemaV1> = StandardSchemaV1.InferInput<Schema>;
type Output<Schema extends StandardSchemaV1> = StandardSchemaV1.InferOutput<Schema>;

const OPTIONS = ["key", "version", "upcast", "jsonSchema"] as const;
const VERSION_MAX = 10_000;

/**
 * Declares an event: an immutable fact, named in the past tense.
 *
 * Throws BAD_DECLARATION for a bad name, an unknown option, a gap in the upcasters and an
 * asynchronous schema. Asynchrony shows only when a schema is called: it is called once here, with
 * `undefined`, and a schema that hides it deeper (behind an asynchronous refinement, say) is refused
 * by the same error when its first payload is checked, so nothing is ever published with it.
 */
export function event<const Type extends string, Schema extends StandardSchemaV1>(
  type: Type,
  schema: Schema,
  options: MessageTypeOptions<Output<Schema>> = {},
): EventType<Type, Input<Schema>, Output<Schema>> {
  checkOptionNames(options, `event ${JSON.stringify(type)}`, OPTIONS);
  return messageType("event", type, schema, options);
}

/** Declares a command: a wish with one address, named in the imperative, which may be refused. */
export function command<
  const Type extends string,
  Schema extends StandardSchemaV1,
  const Options extends CommandOptions<Output<Schema>> = CommandOptions<Output<Schema>>,
>(
  type: Type,
  schema: Schema,
  options?: Options & CommandOptions<Output<Schema>>,
): CommandType<Type, Input<Schema>, Output<Schema>, CodeOf<Options>, ReplyIn<Options>> {
  const given: CommandOptions<Output<Schema>> = options ?? {};
  const what = `command ${JSON.stringify(type)}`;
  checkOptionNames(given, what, [...OPTIONS, "refuses", "replies"]);
  const refuses = Object.freeze([...(given.refuses ?? [])]);
  const repeated = refuses.find((code, at) => refuses.indexOf(code) !== at);
  if (repeated !== undefined)
    refuse(`command "${type}" names the refusal "${repeated}" twice; keep one`);
  const { replies } = given;
  if (replies !== undefined) checkSchema(`the reply of ${what}`, replies);
  return messageType("command", type, schema, given, { refuses, replies });
}

/** Declares a timer: what a saga sets to be reminded of. It has no key; the saga's instance is its own. */
export function timer<const Type extends string, Schema extends StandardSchemaV1>(
  type: Type,
  schema: Schema,
  options: Omit<MessageTypeOptions<Output<Schema>>, "key"> = {},
): TimerType<Type, Input<Schema>, Output<Schema>> {
  checkOptionNames(
    options,
    `timer ${JSON.stringify(type)}`,
    OPTIONS.filter((name) => name !== "key"),
  );
  return messageType("timer", type, schema, options);
}

/** `any`, because the checker cannot see properties that are defined on a function. */
function messageType(
  kind: MessageType["kind"],
  type: string,
  schema: StandardSchemaV1,
  options: MessageTypeOptions<any>,
  more: object = {},
): any {
  checkName(type, kind);
  const what = `${kind} "${type}"`;
  const version = options.version ?? 1;
  checkWholeNumber(version, `the version of ${what}`, { min: 1, max: VERSION_MAX });
  const upcast = Object.freeze({ ...options.upcast });
  checkUpcasters(what, version, upcast);
  checkSchema(what, schema);

  let structure: Structure | undefined;
  const facts = {
    kind,
    type,
    version,
    schema,
    key: options.key,
    upcast,
    // Converting a schema takes longer than all the rest of a declaration, and few programs ask.
    get structure(): Structure {
      return (structure ??= structureOf(schema, options.jsonSchema));
    },
    get jsonSchema(): JsonSchema | undefined {
      return this.structure.known ? this.structure.jsonSchema : undefined;
    },
    ...more,
  };
  const construct = (data: unknown): Draft => ({ type, data });
  Object.defineProperties(construct, Object.getOwnPropertyDescriptors(facts));
  return Object.freeze(construct);
}

function checkUpcasters(what: string, version: number, upcast: Upcasters): void {
  for (let from = 1; from < version; from++) {
    if (typeof upcast[from] !== "function") {
      refuse(
        `${what} has version ${version} but no upcaster from version ${from}; add upcast: { ${from}: (old) => … } that returns version ${from + 1}`,
      );
    }
  }
  const stray = Object.keys(upcast).find((from) => !(Number(from) >= 1 && Number(from) < version));
  if (stray !== undefined) {
    refuse(
      `${what} has an upcaster from "${stray}" but its version is ${version}; raise version or remove it`,
    );
  }
}

function checkSchema(what: string, schema: StandardSchemaV1): void {
  const standard = (schema as Partial<StandardSchemaV1> | null | undefined)?.["~standard"];
  if (typeof standard?.validate !== "function") {
    refuse(
      `${what} has no schema; pass one of a Standard Schema library (zod, valibot, arktype) as second argument`,
    );
  }
  // A schema may well trip over `undefined`. That says nothing about asynchrony.
  if (validate(schema, undefined).status === "asynchronous") refuse(asynchronousSchema(what));
}
