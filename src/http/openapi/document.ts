/**
 * The OpenAPI 3.1 document of a door: its addresses, one for each declared command, one for each view,
 * and the declared types' own JSON Schemas. The same declarations give the same bytes.
 */

import type { ServiceDescription } from "../../admin/admin.ts";
import { ERROR_CODES } from "../../model/errors.ts";
import type { CommandType, JsonSchema, MessageType } from "../../schema/declaration.ts";
import type { Registry } from "../../schema/registry.ts";
import { structureOf } from "../../schema/structure.ts";
import { OPERATIONS, type Operation, type Parameter } from "./operations.ts";

export interface Described {
  readonly registry: Registry;
  readonly services: readonly ServiceDescription[];
  /** Where the door is mounted; empty where it has a server of its own. */
  readonly path: string;
}

type Json = Readonly<Record<string, unknown>>;

export function openApiDocument({ registry, services, path }: Described): Json {
  const types = registry
    .types()
    .map(({ declaration }) => declaration)
    .toSorted((a, b) => order(a.type, b.type));
  const commands = types.filter((type) => isCommand(type));
  const views = services
    .flatMap(({ parts }) => parts.filter(({ kind }) => kind === "view").map(({ name }) => name))
    .toSorted(order);
  return {
    openapi: "3.1.0",
    info: {
      title:
        services
          .map(({ name }) => name)
          .toSorted(order)
          .join(", ") || "Millrace",
      version: "1",
      description: "Messages in and out, views, and looking and repairing, by one HTTP door.",
    },
    ...(path !== "" && { servers: [{ url: path }] }),
    security: [{ token: [] }],
    paths: {
      ...pathsOf(OPERATIONS, types),
      ...Object.fromEntries(commands.map((type) => commandPath(type))),
      ...Object.fromEntries(views.map((view) => viewPath(view))),
    },
    components: {
      securitySchemes: { token: { type: "http", scheme: "bearer" } },
      responses: { Error: jsonResponse("What went wrong, and the next step.", reference("Error")) },
      schemas: {
        Error: ERROR_SCHEMA,
        Answer: ANSWER_SCHEMA,
        Refusal: refusalSchema([]),
        Published: PUBLISHED_SCHEMA,
        CloudEvent: CLOUD_EVENT_SCHEMA,
        ...Object.fromEntries(types.map((type) => [type.type, payloadSchema(type)])),
      },
    },
  };
}

function pathsOf(operations: readonly Operation[], types: readonly MessageType[]): Json {
  const byPath = Map.groupBy(operations, ({ path }) => path);
  const entries = Array.from(byPath, ([path, here]) => {
    const methods = here.map((operation) => [operation.method, operationOf(operation, types)]);
    return [path, Object.fromEntries(methods)] as const;
  });
  return Object.fromEntries(entries.toSorted(([a], [b]) => order(a, b)));
}

function operationOf(operation: Operation, types: readonly MessageType[]): Json {
  const { path, id, tag, summary, parameters = [], takes, gives, status = 200 } = operation;
  const inPath = Array.from(path.matchAll(/\{(\w+)\}/g), ([, name = ""]) => pathParameter(name));
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(operation.open === true && { security: [] }),
    parameters: [...inPath, ...parameters.map(parameterOf)],
    ...(takes !== undefined && { requestBody: bodyOf(operation, takes, types) }),
    responses: {
      [status]: { description: "Done.", content: { [gives]: { schema: answerSchema(operation) } } },
      ...(id === "publish" && { 207: jsonResponse("Some of several were refused.", {}) }),
      ...(operation.tag === "messages" &&
        operation.path.startsWith("/commands") &&
        COMMAND_RESPONSES),
      default: { $ref: "#/components/responses/Error" },
    },
  };
}

function bodyOf({ id }: Operation, takes: readonly string[], types: readonly MessageType[]): Json {
  const kind = id === "publish" ? "event" : "command";
  const names = types
    .filter((type) => id === "publish" || type.kind === kind)
    .map(({ type }) => type);
  const event =
    names.length === 0
      ? reference("CloudEvent")
      : { allOf: [reference("CloudEvent"), { properties: { type: { examples: names } } }] };
  const schemas: Readonly<Record<string, unknown>> = {
    "application/cloudevents+json": event,
    "application/cloudevents-batch+json": { type: "array", items: event },
    "application/x-ndjson": { type: "string" },
  };
  return {
    required: true,
    content: Object.fromEntries(takes.map((type) => [type, { schema: schemas[type] ?? {} }])),
  };
}

function answerSchema({ id, path, gives }: Operation): Json {
  if (gives !== "application/json") return { type: "string" };
  if (id === "publish") return reference("Published");
  return path.startsWith("/commands") ? reference("Answer") : { type: "object" };
}

const COMMAND_RESPONSES = {
  202: jsonResponse("Sent, not waited for.", reference("Published")),
  422: jsonResponse("Refused, or the payload does not fit.", {
    anyOf: [reference("Refusal"), reference("Error")],
  }),
  504: jsonResponse("No answer in time; the command may be done all the same.", reference("Error")),
};

function commandPath(type: CommandType): readonly [path: string, item: Json] {
  const { replies } = type;
  const reply = replies === undefined ? undefined : structureOf(replies);
  const answer =
    reply?.known === true
      ? {
          allOf: [
            reference("Answer"),
            { properties: { reply: embedded(reply.jsonSchema, `${type.type}.reply`) } },
          ],
        }
      : reference("Answer");
  const operation = {
    operationId: `ask ${type.type}`,
    tags: ["messages"],
    summary: `Asks or sends ${type.type}.`,
    parameters:
      OPERATIONS.find(({ id }) => id === "commandByType")?.parameters?.map(parameterOf) ?? [],
    requestBody: {
      required: true,
      content: { "application/json": { schema: reference(type.type) } },
    },
    responses: {
      200: jsonResponse("Done.", answer),
      ...COMMAND_RESPONSES,
      422: jsonResponse("Refused, or the payload does not fit.", {
        anyOf: [refusalSchema(type.refuses), reference("Error")],
      }),
      default: { $ref: "#/components/responses/Error" },
    },
  };
  return [`/commands/${encodeURIComponent(type.type)}`, { post: operation }];
}

function viewPath(view: string): readonly [path: string, item: Json] {
  const find = OPERATIONS.find(({ id }) => id === "find");
  const operation = {
    operationId: `find ${view}`,
    tags: ["views"],
    summary: `Documents of ${view}.`,
    parameters: find?.parameters?.map(parameterOf) ?? [],
    responses: {
      200: jsonResponse("Found.", { type: "object" }),
      default: { $ref: "#/components/responses/Error" },
    },
  };
  return [`/views/${encodeURIComponent(view)}`, { get: operation }];
}

function parameterOf({ name, in: place, description, required, repeated }: Parameter): Json {
  const text = { type: "string" };
  return {
    name,
    in: place,
    description,
    ...(required === true && { required }),
    schema: repeated === true ? { type: "array", items: text } : text,
  };
}

function pathParameter(name: string): Json {
  return { name, in: "path", required: true, schema: { type: "string" } };
}

function payloadSchema(type: MessageType): JsonSchema {
  const { structure } = type;
  if (structure.known) return embedded(structure.jsonSchema, type.type);
  return { description: `The structure is unknown: ${structure.why}.` };
}

/** With an id of its own, so that references within it mean the schema and not the document. */
function embedded(schema: JsonSchema, name: string): JsonSchema {
  if (typeof schema === "boolean") return schema;
  const { $schema: _, ...rest } = schema;
  return { $id: `urn:millrace:${encodeURIComponent(name)}`, ...rest };
}

function reference(name: string): Json {
  return { $ref: `#/components/schemas/${name.replaceAll("~", "~0").replaceAll("/", "~1")}` };
}

function jsonResponse(description: string, schema: unknown): Json {
  return { description, content: { "application/json": { schema } } };
}

function refusalSchema(codes: readonly string[]): Json {
  const code = { type: "string", ...(codes.length > 0 && { enum: codes }) };
  const properties = { code, message: { type: "string" }, details: { type: "object" } };
  return {
    type: "object",
    required: ["ok", "refusal"],
    properties: {
      ok: { const: false },
      refusal: { type: "object", required: ["code"], properties },
    },
  };
}

const ANSWER_SCHEMA = {
  type: "object",
  required: ["ok", "token"],
  properties: { ok: { const: true }, token: { type: "string" }, reply: {} },
};

const PUBLISHED_SCHEMA = {
  type: "object",
  required: ["id", "target", "duplicate"],
  properties: {
    id: { type: "string" },
    target: { type: "object" },
    partition: { type: "integer" },
    offset: { type: "integer" },
    sequence: { type: "integer" },
    duplicate: { type: "boolean" },
  },
};

const ERROR_SCHEMA = {
  type: "object",
  required: ["message"],
  properties: {
    code: { type: "string", enum: Object.keys(ERROR_CODES).toSorted() },
    message: { type: "string" },
    retryable: { type: "boolean" },
    details: { type: "object" },
  },
};

const CLOUD_EVENT_SCHEMA = {
  type: "object",
  required: ["specversion", "id", "source", "type", "data"],
  properties: {
    specversion: { const: "1.0" },
    id: { type: "string", minLength: 1 },
    source: { type: "string", minLength: 1 },
    type: { type: "string", minLength: 1 },
    subject: { type: "string" },
    time: { type: "string", format: "date-time" },
    datacontenttype: { const: "application/json" },
    data: {},
  },
};

function isCommand(type: MessageType): type is CommandType {
  return type.kind === "command";
}

/** By code unit: the same everywhere. */
function order(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
