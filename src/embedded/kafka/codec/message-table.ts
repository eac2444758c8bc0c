/**
 * The form of the generated field tables. They say what Kafka's message definitions say, in the same
 * words: `versions`, `nullableVersions`, `flexibleVersions`, `tag`, `ignorable`. The order of a
 * struct's fields is their order on the wire.
 *
 * The types bind a table to its interface: each field has its row, of a type that can carry it.
 */

/** "3", "3-7", "3+" (to the message's last version) or "none", as in Kafka's definitions. */
export type Versions = `${number}` | `${number}-${number}` | `${number}+` | "none";

export interface MessageTable<Message> {
  readonly name: string;
  readonly validVersions: Versions;
  readonly flexibleVersions: Versions;
  readonly fields: StructTable<Message>;
}

export type StructTable<Struct> = {
  readonly [Name in keyof Struct]-?: FieldTable<Struct[Name]>;
};

export interface FieldTable<Value> {
  readonly type: FieldType<NonNullable<Value>>;
  readonly versions: Versions;
  /** The versions that have a form for null. */
  readonly nullableVersions?: Versions;
  /** Where it differs from the message's. */
  readonly flexibleVersions?: Versions;
  /** A tagged field stands behind the others, and is left out where it has its default. */
  readonly tag?: number;
  /** Without it: zero, false, "", empty bytes, an empty array, a struct of defaults. */
  readonly default?: Value;
  /** In a version without this field, a value other than the default may be lost. */
  readonly ignorable?: boolean;
  /** An int64 beyond what a number holds is read as the nearest safe integer, not refused. */
  readonly saturating?: boolean;
}

type NumberType = "int8" | "int16" | "uint16" | "int32" | "uint32" | "int64" | "float64";

/** The types of the wire that a TypeScript type can stand for. A uuid is text, as Kafka prints it. */
export type FieldType<Value> = Value extends boolean
  ? "bool"
  : Value extends number
    ? NumberType
    : Value extends string
      ? "string" | "uuid"
      : Value extends Buffer
        ? "bytes" | "records"
        : Value extends readonly (infer Element)[]
          ? { readonly arrayOf: FieldType<Element> }
          : { readonly struct: StructTable<Value> };

export type ScalarType = NumberType | "bool" | "string" | "uuid" | "bytes" | "records";

/** A table whose interface is not known: what the codec works with. */
export interface AnyMessageTable {
  readonly name: string;
  readonly validVersions: Versions;
  readonly flexibleVersions: Versions;
  readonly fields: AnyStructTable;
}

export type AnyStructTable = Readonly<Record<string, AnyFieldTable>>;

export type AnyFieldType =
  | ScalarType
  | { readonly arrayOf: AnyFieldType }
  | { readonly struct: AnyStructTable };

export interface AnyFieldTable {
  readonly type: AnyFieldType;
  readonly versions: Versions;
  readonly nullableVersions?: Versions;
  readonly flexibleVersions?: Versions;
  readonly tag?: number;
  readonly default?: unknown;
  readonly ignorable?: boolean;
  readonly saturating?: boolean;
}
