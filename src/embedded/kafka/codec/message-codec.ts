/**
 * Kafka's messages, read and written by table.
 *
 * **One shape for every version.** A message of the protocol has up to nineteen versions, and the
 * clients in the world share none. The tables in `generated/` say of each field in which versions it
 * is there, and here that knowledge ends: whatever the version, a decoded message has all fields of its
 * interface, absent ones with the default that Kafka gives them. A handler reads `request.rackId` and
 * need not know that it came with version 11.
 *
 * **Compiled once.** A table at a version becomes two closures, made when it is first needed and kept:
 * one reads, one writes. A struct's closure walks a list of its fields' closures; all questions that
 * depend on the version (is it there, may it be null, is its length a varint) are answered while
 * compiling. What remains on the hot path is a loop, a call and a store per field.
 *
 * **Two encodings.** In a message's flexible versions (KIP-482) lengths are varints, greater by one, and
 * every struct ends with its tagged fields; before, lengths are 16 or 32 bits wide and -1 is null.
 *
 *            string        bytes, records   array          nullable struct   end of a struct
 *     plain  int16         int32            int32          int8 -1 or 1      -
 *     flex.  varint (+1)   varint (+1)      varint (+1)    int8 -1 or 1      count, (tag, size, value)...
 *
 * A tagged field is written only where it differs from its default; an unknown one is skipped.
 *
 * **What is lost, and what may not be.** Writing a version that lacks a field loses its value. Kafka
 * marks the fields where that does no harm (`ignorable`); for the others a value other than the default
 * is a defect of the caller, and asserted. So is null where the version has no form for it, and a number
 * beyond its type. An answer (`writeAnswer`) is different: the client chose the version, so it is told what
 * that version can say, and the rest is left out. Whatever comes from the wire is a client's word instead:
 * `MalformedFrame`.
 *
 * **Numbers.** An int64 is a number here: offsets, times and producer ids fit. A greater one is refused,
 * but for the fields that clients set to Long.MAX_VALUE on purpose (`saturating`): those become the
 * nearest safe integer, and are written back as the end of the 64-bit range.
 *
 * **Who owns the bytes.** Records are never copied: read, they are a view of the frame; written, they are
 * pieces between ours. All other bytes are copied, so keeping a member's metadata keeps no frame alive.
 */

import { assert } from "../../../model/assert.ts";
import type { Draft } from "./draft.ts";
import type { AnyMessageTable, MessageTable } from "./message-table.ts";
import { compileStructReader, type Read } from "./struct-reader.ts";
import { compileStructWriter, type Write } from "./struct-writer.ts";
import { includesVersion, type Place } from "./struct-plan.ts";
import { WireReader } from "./wire-reader.ts";
import { WireWriter } from "./wire-writer.ts";

interface Codec {
  readonly flexible: boolean;
  readonly read: Read<unknown>;
  readonly write: Write;
  readonly writeAnswer: Write;
}

/** By table, then by version. */
const codecs = new WeakMap<object, Codec[]>();

/** Reads a message where the reader stands. Throws MalformedFrame. */
export function readMessage<Message>(
  table: MessageTable<Message>,
  version: number,
  wire: WireReader,
): Message {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the table's fields make up a Message
  return codecOf(table, version).read(wire) as Message;
}

/** Writes a message; a field that is left out has its default. */
export function writeMessage<Message>(
  table: MessageTable<Message>,
  version: number,
  wire: WireWriter,
  message: Draft<Message>,
): void {
  codecOf(table, version).write(wire, message);
}

/** As `writeMessage`, but leaves out what the version cannot say. */
export function writeAnswer<Message>(
  table: MessageTable<Message>,
  version: number,
  wire: WireWriter,
  message: Draft<Message>,
): void {
  codecOf(table, version).writeAnswer(wire, message);
}

/** Reads bytes that are one message and nothing more. Throws MalformedFrame. */
export function decodeMessage<Message>(
  table: MessageTable<Message>,
  version: number,
  bytes: Buffer,
): Message {
  const wire = new WireReader(bytes);
  const message = readMessage(table, version, wire);
  wire.field = `${table.name} v${version}`;
  if (wire.remaining > 0) throw wire.malformed(`${wire.remaining} bytes follow the message`);
  return message;
}

export function encodeMessage<Message>(
  table: MessageTable<Message>,
  version: number,
  message: Draft<Message>,
): Buffer {
  const wire = new WireWriter();
  writeMessage(table, version, wire, message);
  return Buffer.concat(wire.finish());
}

/** Whether lengths are varints and structs end with tagged fields. */
export function isFlexible(table: AnyMessageTable, version: number): boolean {
  return codecOf(table, version).flexible;
}

function codecOf(table: AnyMessageTable, version: number): Codec {
  let versions = codecs.get(table);
  if (versions === undefined) codecs.set(table, (versions = []));
  return (versions[version] ??= compile(table, version));
}

function compile(table: AnyMessageTable, version: number): Codec {
  const { name, fields, validVersions, flexibleVersions } = table;
  assert(includesVersion(validVersions, version), `${name} has versions ${validVersions}`);
  const flexible = includesVersion(flexibleVersions, version);
  const place: Place = { version, flexible, path: `${name} v${version}` };
  return {
    flexible,
    read: compileStructReader(fields, place),
    write: compileStructWriter(fields, { ...place, leaveOut: false }),
    writeAnswer: compileStructWriter(fields, { ...place, leaveOut: true }),
  };
}
