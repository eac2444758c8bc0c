/** Random messages of any table and version, repeatable by their seed; and all tables there are. */

import type { AnyFieldType, AnyMessageTable, AnyStructTable } from "./message-table.ts";
import { API_TABLES } from "./generated/apis.ts";
import {
  consumerProtocolAssignment,
  consumerProtocolSubscription,
} from "./generated/consumer-protocol.ts";
import { endTxnMarker } from "./generated/end-txn-marker.ts";
import { requestHeader, responseHeader } from "./generated/header.ts";
import { includesVersion, planStruct, versionRange, type FieldPlan } from "./struct-plan.ts";

export type Random = (below: number) => number;

export const allTables: readonly AnyMessageTable[] = [
  ...Object.values(API_TABLES).flatMap(({ request, response }): AnyMessageTable[] => [
    request,
    response,
  ]),
  requestHeader,
  responseHeader,
  consumerProtocolSubscription,
  consumerProtocolAssignment,
  endTxnMarker,
];

/** Every table in each of its versions. */
export function* everyVersion(): Generator<readonly [table: AnyMessageTable, version: number]> {
  for (const table of allTables) {
    const [first, last] = versionRange(table.validVersions);
    for (let version = first; version <= last; version++) yield [table, version];
  }
}

/** Mulberry32: small, and good enough to find what a table hides. */
export function createRandom(seed: number): Random {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

/** With all fields: those that the version lacks have their default. */
export function randomMessage(table: AnyMessageTable, version: number, random: Random): object {
  const flexible = includesVersion(table.flexibleVersions, version);
  return randomStruct(table.fields, { version, flexible }, random);
}

interface Form {
  readonly version: number;
  readonly flexible: boolean;
}

function randomStruct(table: AnyStructTable, form: Form, random: Random): object {
  const { fields } = planStruct(table, { ...form, path: "" });
  return Object.fromEntries(
    fields.map((field) => [
      field.name,
      field.present && random(5) > 0 ? randomValue(field, form, random) : field.defaultValue,
    ]),
  );
}

function randomValue(field: FieldPlan, form: Form, random: Random): unknown {
  if (field.nullable && random(4) === 0) return null;
  const of = (type: AnyFieldType): unknown => {
    if (typeof type !== "string") {
      if ("struct" in type) return randomStruct(type.struct, form, random);
      return Array.from({ length: random(4) }, () => of(type.arrayOf));
    }
    const integer = (bits: number): number => random(2 ** bits) - 2 ** (bits - 1);
    switch (type) {
      case "bool":
        return random(2) === 1;
      case "int8":
        return integer(8);
      case "int16":
        return integer(16);
      case "uint16":
        return random(2 ** 16);
      case "int32":
        return integer(32);
      case "uint32":
        return random(2 ** 32);
      case "int64":
        return integer(1 + random(53));
      case "float64":
        return integer(32) / 7;
      case "uuid":
        return bytes(16, random).toString("base64url");
      case "bytes":
      case "records":
        return bytes(random(200), random);
      case "string":
        return Array.from({ length: random(60) }, () => "aZ-9é漢🌍\0"[random(8)]!)
          .join("")
          .toWellFormed();
    }
  };
  return of(field.type);
}

function bytes(length: number, random: Random): Buffer {
  return Buffer.from(Array.from({ length }, () => random(256)));
}
