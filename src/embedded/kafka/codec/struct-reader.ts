/** Compiles a struct at a version into a closure that reads it. */

import type { AnyFieldType, AnyStructTable, ScalarType } from "./message-table.ts";
import { planStruct, type FieldPlan, type Place } from "./struct-plan.ts";
import { UUID_BYTES, type WireReader } from "./wire-reader.ts";

export type Read<Value> = (wire: WireReader) => Value;
type Struct = Record<string, unknown>;

/** The bytes that an element of an array takes at least: what bounds the array's count. */
interface Sized {
  readonly read: Read<unknown>;
  readonly bytesMin: number;
}

export function compileStructReader(table: AnyStructTable, place: Place): Read<Struct> {
  return structReader(table, place).read;
}

/**
 * The struct begins as a copy of its defaults. So it has every field of the table, in one order: the
 * callers see one shape whatever the version, and so does the engine that runs them.
 */
function structReader(
  table: AnyStructTable,
  place: Place,
): { readonly read: Read<Struct>; readonly bytesMin: number } {
  const plan = planStruct(table, place);
  const defaults = Object.fromEntries(plan.fields.map((field) => [field.name, field.defaultValue]));
  const plain = plan.plain.map((field) => ({ ...field, ...fieldReader(field, place) }));
  const names = plain.map(({ name }) => name);
  const paths = plain.map(({ path }) => path);
  const reads = plain.map(({ read }) => read);
  const readTagged = plan.flexible ? taggedReader(plan.tagged, place) : undefined;

  const read = (wire: WireReader): Struct => {
    // A third of what spreading costs here, where one line copies the shapes of all structs.
    const struct: Struct = Object.assign({}, defaults);
    for (let index = 0; index < reads.length; index++) {
      wire.field = paths[index]!;
      struct[names[index]!] = reads[index]!(wire);
    }
    readTagged?.(wire, struct);
    return struct;
  };
  const bytesMin = plain.reduce((sum, field) => sum + field.bytesMin, plan.flexible ? 1 : 0);
  return { read, bytesMin };
}

/** Unknown tags are how the protocol grows without new versions: they are skipped. */
function taggedReader(
  fields: readonly FieldPlan[],
  place: Place,
): (wire: WireReader, struct: Struct) => void {
  const byTag = new Map(
    fields.map((field) => [field.tag!, { ...field, read: fieldReader(field, place).read }]),
  );
  const path = `${place.path} tagged fields`;
  return (wire, struct) => {
    wire.field = path;
    for (let count = wire.unsignedVarint(); count > 0; count--) {
      const field = byTag.get(wire.unsignedVarint());
      const bytes = wire.unsignedVarint();
      if (field === undefined) wire.skip(bytes);
      else {
        const end = wire.position + bytes;
        wire.field = field.path;
        struct[field.name] = field.read(wire);
        if (wire.position !== end)
          throw wire.malformed("a tagged field has not the length it says");
      }
      wire.field = path;
    }
  };
}

function fieldReader(field: FieldPlan, place: Place): Sized {
  const { type, nullable, flexible, path } = field;
  if (typeof type === "string") return scalarReader(type, field);
  if ("arrayOf" in type) {
    const element = elementReader(type.arrayOf, field, place);
    return arrayReader(element, { nullable, flexible });
  }
  const { read, bytesMin } = structReader(type.struct, { ...place, path });
  if (!nullable) return { read, bytesMin };
  return { read: (wire) => (wire.int8() < 0 ? null : read(wire)), bytesMin: 1 };
}

/** An element is never null. */
function elementReader(type: AnyFieldType, field: FieldPlan, place: Place): Sized {
  return fieldReader({ ...field, type, nullable: false }, place);
}

function arrayReader(
  { read, bytesMin }: Sized,
  { nullable, flexible }: { readonly nullable: boolean; readonly flexible: boolean },
): Sized {
  return {
    bytesMin: flexible ? 1 : 4,
    read: (wire) => {
      const count = flexible ? wire.compactLength() : wire.length32();
      if (count < 0) return nullOr(wire, nullable);
      wire.expectElements(count, bytesMin);
      const elements: unknown[] = [];
      for (let index = 0; index < count; index++) elements.push(read(wire));
      return elements;
    },
  };
}

function scalarReader(type: ScalarType, field: FieldPlan): Sized {
  const { nullable, flexible } = field;
  switch (type) {
    case "bool":
      return { read: (wire) => wire.bool(), bytesMin: 1 };
    case "int8":
      return { read: (wire) => wire.int8(), bytesMin: 1 };
    case "int16":
      return { read: (wire) => wire.int16(), bytesMin: 2 };
    case "uint16":
      return { read: (wire) => wire.uint16(), bytesMin: 2 };
    case "int32":
      return { read: (wire) => wire.int32(), bytesMin: 4 };
    case "uint32":
      return { read: (wire) => wire.uint32(), bytesMin: 4 };
    case "int64":
      return field.saturating
        ? { read: (wire) => wire.saturatedInt64(), bytesMin: 8 }
        : { read: (wire) => wire.int64(), bytesMin: 8 };
    case "float64":
      return { read: (wire) => wire.float64(), bytesMin: 8 };
    case "uuid":
      return { read: (wire) => wire.uuid(), bytesMin: UUID_BYTES };
    case "string":
      return {
        bytesMin: flexible ? 1 : 2,
        read: (wire) => {
          const length = flexible ? wire.compactLength() : wire.length16();
          return length < 0 ? nullOr(wire, nullable) : wire.text(length);
        },
      };
    case "bytes":
    case "records":
      return {
        bytesMin: flexible ? 1 : 4,
        read: (wire) => {
          const length = flexible ? wire.compactLength() : wire.length32();
          if (length < 0) return nullOr(wire, nullable);
          return type === "records" ? wire.view(length) : wire.copy(length);
        },
      };
  }
}

function nullOr(wire: WireReader, nullable: boolean): null {
  if (!nullable) throw wire.malformed("null, which this version does not allow");
  return null;
}
