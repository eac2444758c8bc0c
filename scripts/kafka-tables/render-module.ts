/**
 * One generated file: interfaces and field tables of the messages of one API.
 *
 * A struct keeps the name that the definition gives it. Where two messages of a file use one name for
 * different structs, both carry their message's name in front.
 */

/** As in Kafka's definitions; what the codec has no use for is left out. */
export interface Spec {
  readonly apiKey?: number;
  readonly name: string;
  readonly validVersions: string;
  readonly flexibleVersions: string;
  readonly latestVersionUnstable?: boolean;
  /** Of requests: who may be asked. */
  readonly listeners?: readonly string[];
  readonly fields: readonly SpecField[];
  readonly commonStructs?: readonly SpecStruct[];
}

interface SpecStruct {
  readonly name: string;
  readonly fields: readonly SpecField[];
}

interface SpecField {
  readonly name: string;
  readonly type: string;
  readonly versions: string;
  readonly nullableVersions?: string;
  readonly taggedVersions?: string;
  readonly flexibleVersions?: string;
  readonly tag?: number;
  readonly ignorable?: boolean;
  readonly default?: string | number | boolean;
  readonly fields?: readonly SpecField[];
}

/**
 * 64-bit fields that clients set to Long.MAX_VALUE (or near it) to say "for ever", "the end" or
 * "unknown". They are read as the nearest number that JavaScript has; elsewhere such a value is an error.
 */
const SATURATING = new Set([
  "FetchRequest.FetchOffset",
  "FetchRequest.HighWatermark",
  "ListOffsetsRequest.Timestamp",
  "OffsetCommitRequest.RetentionTimeMs",
  "DeleteRecordsRequest.Offset",
  "ListTransactionsRequest.DurationFilter",
]);

const LONG_MAX = "9223372036854775807";

const VALUE_TYPES: Readonly<Record<string, string>> = {
  bool: "boolean",
  int8: "number",
  int16: "number",
  uint16: "number",
  int32: "number",
  uint32: "number",
  int64: "number",
  float64: "number",
  string: "string",
  uuid: "string",
  bytes: "Buffer",
  records: "Buffer",
};

interface RenderedStruct {
  readonly name: string;
  readonly text: string;
}

export function camelCase(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1);
}

/** The text of a file, not yet formatted. */
export function renderModule(specs: readonly Spec[]): string {
  const plain = specs.map((spec) => renderMessage(spec, new Set()));
  const clashing = new Set(
    plain
      .flat()
      .filter(({ name, text }) =>
        plain.flat().some((other) => other.name === name && other.text !== text),
      )
      .map(({ name }) => name),
  );
  const rendered = specs.flatMap((spec) => renderMessage(spec, clashing));
  const texts = new Set(rendered.map(({ text }) => text));
  const needed = ["MessageTable", "StructTable"].filter((type) =>
    [...texts].some((text) => text.includes(`: ${type}<`)),
  );
  return [
    "// Made by scripts/kafka-tables.ts from the message definitions of Apache Kafka; do not edit.\n",
    `import type { ${needed.join(", ")} } from "../message-table.ts";\n`,
    ...texts,
  ].join("\n");
}

/** The structs of a message, innermost first, then the message itself. */
function renderMessage(spec: Spec, clashing: ReadonlySet<string>): RenderedStruct[] {
  const common = new Map(spec.commonStructs?.map(({ name, fields }) => [name, fields]));
  const done = new Map<string, RenderedStruct>();
  const nameOf = (struct: string): string => (clashing.has(struct) ? spec.name + struct : struct);

  const renderStruct = (struct: string, fields: readonly SpecField[]): void => {
    if (done.has(struct)) return;
    for (const field of fields) {
      const element = elementOf(field);
      if (!(element in VALUE_TYPES)) {
        renderStruct(element, field.fields ?? common.get(element)!);
      }
    }
    const name = nameOf(struct);
    const text = [
      renderInterface(name, fields, nameOf),
      `const ${camelCase(name)}: StructTable<${name}> = {`,
      ...fields.map((field) => renderField(spec, field, nameOf)),
      "};\n",
    ].join("\n");
    done.set(struct, { name: struct, text });
  };

  for (const field of spec.fields) {
    const element = elementOf(field);
    if (!(element in VALUE_TYPES)) renderStruct(element, field.fields ?? common.get(element)!);
  }
  const text = [
    renderInterface(spec.name, spec.fields, nameOf),
    `export const ${camelCase(spec.name)}: MessageTable<${spec.name}> = {`,
    `name: "${spec.name}",`,
    `validVersions: "${spec.validVersions}",`,
    `flexibleVersions: "${spec.flexibleVersions}",`,
    "fields: {",
    ...spec.fields.map((field) => renderField(spec, field, nameOf)),
    "},",
    "};\n",
  ].join("\n");
  return [...done.values(), { name: spec.name, text }];
}

function elementOf({ type }: SpecField): string {
  return type.replace(/^\[\]/, "");
}

type NameOf = (struct: string) => string;

function renderInterface(name: string, fields: readonly SpecField[], nameOf: NameOf): string {
  const members = fields.map((field) => {
    const element = VALUE_TYPES[elementOf(field)] ?? nameOf(elementOf(field));
    const value = field.type.startsWith("[]") ? `readonly ${element}[]` : element;
    const nullable = isEverNull(field) ? " | null" : "";
    return `readonly ${camelCase(field.name)}: ${value}${nullable};`;
  });
  return [`export interface ${name} {`, ...members, "}\n"].join("\n");
}

function isEverNull({ nullableVersions }: SpecField): boolean {
  return nullableVersions !== undefined && nullableVersions !== "none";
}

function renderField(spec: Spec, field: SpecField, nameOf: NameOf): string {
  const { name, versions, nullableVersions, tag, taggedVersions, flexibleVersions } = field;
  if (tag !== undefined && taggedVersions !== versions) {
    throw new Error(`${spec.name}.${name} is tagged in ${taggedVersions}, present in ${versions}`);
  }
  if (field.type === "records" && !isEverNull(field)) {
    throw new Error(`${spec.name}.${name} has no default: records that are never null`);
  }
  const facts = [
    `type: ${renderType(field, nameOf)}`,
    `versions: "${versions}"`,
    ...(isEverNull(field) ? [`nullableVersions: "${nullableVersions}"`] : []),
    ...(flexibleVersions === undefined ? [] : [`flexibleVersions: "${flexibleVersions}"`]),
    ...(tag === undefined ? [] : [`tag: ${tag}`]),
    ...renderDefault(field),
    ...(field.ignorable === true ? ["ignorable: true"] : []),
    ...(SATURATING.has(`${spec.name}.${name}`) ? ["saturating: true"] : []),
  ];
  return `${camelCase(name)}: { ${facts.join(", ")} },`;
}

function renderType(field: SpecField, nameOf: NameOf): string {
  const element = elementOf(field);
  const type =
    element in VALUE_TYPES ? `"${element}"` : `{ struct: ${camelCase(nameOf(element))} }`;
  return field.type.startsWith("[]") ? `{ arrayOf: ${type} }` : type;
}

/** Nothing where the default is the type's own: zero, false, empty, or a struct of defaults. */
function renderDefault(field: SpecField): readonly string[] {
  const given = String(field.default ?? "");
  if (given === "null" || field.type === "records") return ["default: null"];
  if (given === "" || given === "false" || Number(given) === 0) return [];
  if (given === LONG_MAX) return ["default: Number.MAX_SAFE_INTEGER"];
  if (given === "true") return ["default: true"];
  if (VALUE_TYPES[field.type] !== "number") throw new Error(`${field.name}: default ${given}`);
  return [`default: ${Number(given)}`];
}
