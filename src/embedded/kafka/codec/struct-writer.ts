/**
 * Compiles a struct at a version into a closure that writes it.
 *
 * With `leaveOut`, what the version has no form for is left out: an unknown field vanishes, null becomes
 * the field's empty value. That is for answers: whoever asks in an old version is told what that version
 * can say. Elsewhere a loss is a defect of the caller.
 */

import { assert } from "../../../model/assert.ts";
import type { AnyFieldType, AnyStructTable, ScalarType } from "./message-table.ts";
import { emptyOf, isDefault, planStruct, type FieldPlan, type Place } from "./struct-plan.ts";
import type { WireWriter } from "./wire-writer.ts";

/** What `value` is, the table's types have checked. */
// oxlint-disable-next-line typescript/no-explicit-any -- each closure takes its field's own type
export type Write = (wire: WireWriter, value: any) => void;
type Struct = Readonly<Record<string, unknown>>;

const NUMBERS: ReadonlySet<ScalarType> = new Set<ScalarType>([
  "int8",
  "int16",
  "uint16",
  "int32",
  "uint32",
  "int64",
  "float64",
]);

export interface WritePlace extends Place {
  readonly leaveOut: boolean;
}

export function compileStructWriter(table: AnyStructTable, place: WritePlace): Write {
  const plan = planStruct(table, place);
  const names = plan.plain.map(({ name }) => name);
  const paths = plan.plain.map(({ path }) => path);
  const defaults = plan.plain.map(({ defaultValue }) => defaultValue);
  const writes = plan.plain.map((field) => fieldWriter(field, place));
  const refused = place.leaveOut ? [] : plan.absent.filter(({ ignorable }) => !ignorable);
  const writeTagged = plan.flexible ? taggedWriter(plan.tagged, place) : undefined;

  return (wire, struct: Struct) => {
    for (let index = 0; index < writes.length; index++) {
      wire.field = paths[index]!;
      const value = struct[names[index]!];
      writes[index]!(wire, value === undefined ? defaults[index] : value);
    }
    for (const field of refused) refuseLoss(field, struct);
    writeTagged?.(wire, struct);
  };
}

/** What this version has no field for, and what the reader cannot do without, must not be lost. */
function refuseLoss({ path, name, type, defaultValue }: FieldPlan, struct: Struct): void {
  const lost = !isDefault(type, defaultValue, struct[name]);
  if (lost) assert(false, `${path} is only set in versions that have it`);
}

function taggedWriter(
  fields: readonly FieldPlan[],
  place: WritePlace,
): (wire: WireWriter, struct: Struct) => void {
  const all = fields.map((field) => ({ ...field, write: fieldWriter(field, place) }));
  const isSet = ({ name, type, defaultValue }: FieldPlan, struct: Struct): boolean =>
    struct[name] !== undefined && !isDefault(type, defaultValue, struct[name]);
  return (wire, struct) => {
    let count = 0;
    for (const field of all) if (isSet(field, struct)) count++;
    wire.unsignedVarint(count);
    if (count === 0) return;
    for (const field of all) {
      if (!isSet(field, struct)) continue;
      wire.field = field.path;
      wire.unsignedVarint(field.tag!);
      wire.sized(() => field.write(wire, struct[field.name]));
    }
  };
}

function fieldWriter(field: FieldPlan, place: WritePlace): Write {
  const write = valueWriter(field, place);
  // Each of these checks its value, so null fails there.
  if (typeof field.type === "string" && NUMBERS.has(field.type)) return write;
  const writeNull = nullWriter(field);
  return (wire, value) => {
    if (value !== null) return write(wire, value);
    if (writeNull !== undefined) return writeNull(wire);
    if (!place.leaveOut) assert(false, `${wire.field} is null only where it may be`);
    write(wire, emptyOf(field.type));
  };
}

function valueWriter(field: FieldPlan, place: WritePlace): Write {
  const { type, nullable, flexible, path } = field;
  if (typeof type === "string") return scalarWriter(type, field);
  if ("arrayOf" in type) return arrayWriter(elementWriter(type.arrayOf, field, place), flexible);
  const write = compileStructWriter(type.struct, { ...place, path });
  if (!nullable) return write;
  return (wire, value) => {
    wire.int8(1);
    write(wire, value);
  };
}

function nullWriter({
  type,
  nullable,
  flexible,
}: FieldPlan): ((wire: WireWriter) => void) | undefined {
  if (!nullable) return undefined;
  if (typeof type !== "string" && "struct" in type) return (wire) => wire.int8(-1);
  if (flexible) return (wire) => wire.unsignedVarint(0);
  return type === "string" ? (wire) => wire.int16(-1) : (wire) => wire.int32(-1);
}

function elementWriter(type: AnyFieldType, field: FieldPlan, place: WritePlace): Write {
  return fieldWriter({ ...field, type, nullable: false }, place);
}

function arrayWriter(write: Write, flexible: boolean): Write {
  return (wire, elements: readonly unknown[]) => {
    if (flexible) wire.unsignedVarint(elements.length + 1);
    else wire.int32(elements.length);
    for (const element of elements) write(wire, element);
  };
}

function scalarWriter(type: ScalarType, field: FieldPlan): Write {
  const { flexible } = field;
  switch (type) {
    case "bool":
      return (wire, value: boolean) => wire.bool(value);
    case "int8":
      return (wire, value: number) => wire.int8(value);
    case "int16":
      return (wire, value: number) => wire.int16(value);
    case "uint16":
      return (wire, value: number) => wire.uint16(value);
    case "int32":
      return (wire, value: number) => wire.int32(value);
    case "uint32":
      return (wire, value: number) => wire.uint32(value);
    case "int64":
      return field.saturating
        ? (wire, value: number) => wire.saturatedInt64(value)
        : (wire, value: number) => wire.int64(value);
    case "float64":
      return (wire, value: number) => wire.float64(value);
    case "uuid":
      return (wire, value: string) => wire.uuid(value);
    case "string":
      return flexible
        ? (wire, value: string) => wire.compactText(value)
        : (wire, value: string) => wire.text(value);
    case "bytes":
    case "records":
      return (wire, value: Buffer | readonly Buffer[]) => {
        const pieces = Buffer.isBuffer(value) ? [value] : value;
        const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
        if (flexible) wire.unsignedVarint(length + 1);
        else wire.int32(length);
        for (const piece of pieces) {
          if (type === "records") wire.piece(piece);
          else wire.raw(piece);
        }
      };
  }
}
