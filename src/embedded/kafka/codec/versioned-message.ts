/**
 * Messages that travel inside others as plain bytes and carry their own version, a 16-bit number in
 * front: what consumers tell each other through their group, and the end of a transaction in the log.
 *
 * They only ever grow at their end. So what a newer program wrote is read as the newest version known
 * here, and the rest is left alone.
 */

import type { Draft } from "./draft.ts";
import type { MessageTable } from "./message-table.ts";
import { readMessage, writeMessage } from "./message-codec.ts";
import { versionRange } from "./struct-plan.ts";
import { WireReader } from "./wire-reader.ts";
import { WireWriter } from "./wire-writer.ts";

/** Throws MalformedFrame. */
export function decodeVersioned<Message>(table: MessageTable<Message>, bytes: Buffer): Message {
  const wire = new WireReader(bytes);
  wire.field = table.name;
  const version = wire.int16();
  const [oldest, newest] = versionRange(table.validVersions);
  if (version < oldest) throw wire.malformed(`version ${version}`);
  return readMessage(table, Math.min(version, newest), wire);
}

export function encodeVersioned<Message>(
  table: MessageTable<Message>,
  version: number,
  message: Draft<Message>,
): Buffer {
  const wire = new WireWriter();
  wire.int16(version);
  writeMessage(table, version, wire, message);
  return Buffer.concat(wire.finish());
}
