/**
 * What one version makes of a field table: which fields are there, how each is written, and what
 * stands in for those that are not.
 */

import { assert } from "../../../model/assert.ts";
import type { AnyFieldTable, AnyFieldType, AnyStructTable, Versions } from "./message-table.ts";

export interface FieldPlan {
  readonly name: string;
  /** With message and version, for errors. */
  readonly path: string;
  readonly type: AnyFieldType;
  readonly present: boolean;
  readonly tag: number | undefined;
  readonly nullable: boolean;
  /** Lengths are varints, and structs end with tagged fields. */
  readonly flexible: boolean;
  readonly saturating: boolean;
  readonly ignorable: boolean;
  readonly defaultValue: unknown;
}

export interface StructPlan {
  readonly flexible: boolean;
  readonly fields: readonly FieldPlan[];
  /** Those that every such struct has on the wire, in their order. */
  readonly plain: readonly FieldPlan[];
  /** Those of the version that may follow, by tag. */
  readonly tagged: readonly FieldPlan[];
  readonly absent: readonly FieldPlan[];
}

/** The place of a struct: its message's version, and the way to it. */
export interface Place {
  readonly version: number;
  readonly flexible: boolean;
  readonly path: string;
}

const ZERO_UUID = "AAAAAAAAAAAAAAAAAAAAAA";
const NO_BYTES = Buffer.alloc(0);
const NO_ELEMENTS: readonly never[] = Object.freeze([]);

export function planStruct(table: AnyStructTable, { version, flexible, path }: Place): StructPlan {
  const fields = Object.entries(table).map(([name, field]): FieldPlan => {
    const { tag, nullableVersions = "none", flexibleVersions } = field;
    return {
      name,
      path: `${path}.${name}`,
      type: field.type,
      present: includesVersion(field.versions, version),
      tag,
      nullable: includesVersion(nullableVersions, version),
      flexible:
        flexible && (flexibleVersions === undefined || includesVersion(flexibleVersions, version)),
      saturating: field.saturating ?? false,
      ignorable: field.ignorable ?? false,
      defaultValue: defaultOf(field),
    };
  });
  const present = fields.filter((field) => field.present);
  const tagged = present.filter(({ tag }) => tag !== undefined).toSorted((a, b) => a.tag! - b.tag!);
  assert(flexible || tagged.length === 0, `${path} has tagged fields only in flexible versions`);
  return {
    flexible,
    fields,
    plain: present.filter(({ tag }) => tag === undefined),
    tagged,
    absent: fields.filter((field) => !field.present),
  };
}

export function includesVersion(versions: Versions, version: number): boolean {
  const [first, last] = versionRange(versions);
  return version >= first && version <= last;
}

/** The first and the last; for "none", nothing is between them. */
export function versionRange(versions: Versions): readonly [first: number, last: number] {
  if (versions === "none") return [Infinity, -Infinity];
  if (versions.endsWith("+")) return [parseInt(versions, 10), Infinity];
  const [first, last = first] = versions.split("-").map(Number);
  return [first!, last!];
}

/** Shared by all messages that lack the field, therefore frozen. */
function defaultOf(field: AnyFieldTable): unknown {
  return field.default === undefined ? emptyOf(field.type) : field.default;
}

/** What stands for null where the version has no form for it. */
export function emptyOf(type: AnyFieldType): unknown {
  if (typeof type !== "string") {
    return "arrayOf" in type ? NO_ELEMENTS : Object.freeze(structDefaults(type.struct));
  }
  switch (type) {
    case "bool":
      return false;
    case "string":
      return "";
    case "uuid":
      return ZERO_UUID;
    case "bytes":
    case "records":
      return NO_BYTES;
    case "int8":
    case "int16":
    case "uint16":
    case "int32":
    case "uint32":
    case "int64":
    case "float64":
      return 0;
  }
}

function structDefaults(table: AnyStructTable): Record<string, unknown> {
  return Object.fromEntries(Object.entries(table).map(([name, field]) => [name, defaultOf(field)]));
}

/** Whether to write or to leave out comes to the same; a draft's missing field is its default. */
export function isDefault(type: AnyFieldType, defaultValue: unknown, value: unknown): boolean {
  if (value === undefined || value === defaultValue) return true;
  if (value === null || defaultValue === null) return false;
  if (typeof type !== "string" && "struct" in type) return hasDefaultsOnly(type.struct, value);
  return (Array.isArray(value) || Buffer.isBuffer(value)) && value.length === 0;
}

function hasDefaultsOnly(table: AnyStructTable, struct: object): boolean {
  const values: Readonly<Record<string, unknown>> = { ...struct };
  return Object.entries(table).every(([name, field]) =>
    isDefault(field.type, defaultOf(field), values[name]),
  );
}
