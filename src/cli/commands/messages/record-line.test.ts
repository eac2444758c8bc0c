import assert from "node:assert/strict";
import { test } from "node:test";
import { showRecord } from "../../../admin/shown-message.ts";
import { recordLine } from "./record-line.ts";

const at = { partition: 0, offset: 7, appendedMs: 0, headers: [] };
const line = (value: Uint8Array | null): string =>
  recordLine(showRecord("orders", { ...at, key: "o1", value }));

test("a record of a plain Kafka client shows its key and value, and why it is no event", () => {
  const start = "orders[0]@7  1970-01-01T00:00:00.000Z  undecodable  o1  ";
  assert.match(
    line(Buffer.from('{"a": 1.0}')),
    /@7 .* {2}o1 {2}\{"a": 1\.0\} {2}\(BAD_ENVELOPE: .*\)$/,
  );
  assert.ok(line(Buffer.from("paid\n\u001b[2J")).startsWith(`${start}paid\\x0a\\x1b[2J  (`));
  assert.ok(line(Buffer.from([0xff, 0x00])).startsWith(`${start}base64:/wA=  (`));
  assert.ok(line(null).startsWith(`${start}null  (`));
});
