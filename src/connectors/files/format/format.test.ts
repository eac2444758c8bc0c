import assert from "node:assert/strict";
import { test } from "node:test";
import { isMillraceError } from "../../../model/errors.ts";
import { createSeededRandom } from "../../../model/ids.ts";
import { parseCsvRecord, writeCsvRecord } from "./csv-record.ts";
import { RecordSplitter, type FileRecord, type SplitterOptions } from "./record-splitter.ts";

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = ({ bytes }: FileRecord): string => new TextDecoder().decode(bytes);

/** The records of a text that comes in pieces of at most so many bytes. */
function split(text: string, step: number, more: Partial<SplitterOptions> = {}): FileRecord[] {
  const splitter = new RecordSplitter({ format: "csv", bytesMax: 1000, ...more });
  const bytes = encode(text);
  const records: FileRecord[] = [];
  for (let at = 0; at < bytes.length; at += step) {
    records.push(...splitter.push(bytes.subarray(at, at + step)));
  }
  const last = splitter.finish();
  return last === undefined ? records : [...records, last];
}

test("records survive being written, cut anywhere and read: commas, quotes, line ends, any script", () => {
  const random = createSeededRandom(7);
  const alphabet = ["a", ",", '"', "\n", "\r", "\r\n", '""', " ", "ü", "😀", "", "0"];
  const pick = (): string => alphabet[Math.floor(random.next() * alphabet.length)]!;
  let compared = 0;
  for (let round = 0; round < 300; round++) {
    const rows = Array.from({ length: 1 + Math.floor(random.next() * 5) }, () =>
      Array.from({ length: 2 + Math.floor(random.next() * 3) }, () => pick() + pick() + pick()),
    );
    const text = rows.map(writeCsvRecord).join("");
    const step = 1 + Math.floor(random.next() * 12);
    const records = split(text, step);
    assert.deepEqual(
      records.map((record) => parseCsvRecord(textOf(record))),
      rows,
    );
    assert.equal(records.at(-1)?.end, encode(text).length);
    assert.equal(records.at(-1)?.nextLine, text.split("\n").length);
    compared += records.length;
  }
  assert.ok(compared > 600, `${compared} records`);
});

test("a record of one blank field is a record, and no blank line", () => {
  for (const field of ["", " ", "\t", "\u00A0", "a"]) {
    const text = writeCsvRecord([field]);
    assert.notEqual(text.trim(), "");
    assert.deepEqual(parseCsvRecord(text.slice(0, -2)), [field]);
  }
});

test("where a chunk ends changes nothing, and a record tells where it stands", () => {
  const text = 'id,note\r\n1,"two\r\nlines"\n\n2,"a ""b"""\n3,last';
  for (let step = 1; step <= text.length; step++) {
    const records = split(text, step);
    assert.deepEqual(
      records.map((record) => [record.line, record.nextLine, record.end, textOf(record)]),
      [
        [1, 2, 9, "id,note"],
        [2, 4, 24, '1,"two\r\nlines"'],
        [4, 5, 25, ""],
        [5, 6, 37, '2,"a ""b"""'],
        [6, 6, 43, "3,last"],
      ],
    );
  }
});

test("going on from where a record ended gives the records behind it", () => {
  const text = 'a,"1\n2"\nb,3\nc,4\n';
  const [first, ...rest] = split(text, 3);
  const { end: offset, nextLine: line } = first!;
  const again = split(text.slice(offset), 2, { offset, line });
  assert.deepEqual(again, rest);
});

test("a line of JSON may hold quotes and commas as it likes", () => {
  const records = split('{"a":"\\"x"}\n"\n', 4, { format: "ndjson" });
  assert.deepEqual(records.map(textOf), ['{"a":"\\"x"}', '"']);
});

test("a record that is too long is told once, and reading goes on behind its line", () => {
  for (const format of ["ndjson", "csv"] as const) {
    for (const step of [1, 7, 1000]) {
      const text = `ok\n${"x".repeat(50)}\nfine\n`;
      const records = split(text, step, { format, bytesMax: 10 });
      assert.deepEqual(
        records.map((record) => [record.line, record.tooLong]),
        [
          [1, false],
          [2, true],
          [3, false],
        ],
      );
      assert.equal(textOf(records[2]!), "fine");
    }
  }
});

test("a quote that nobody closes costs no more than the bound", () => {
  const lines = Array.from({ length: 20 }, (_, index) => `row${index}`).join("\n");
  const records = split(`"open\n${lines}\n`, 5, { bytesMax: 30 });
  assert.equal(records[0]!.tooLong, true);
  assert.equal(records.filter(({ tooLong }) => tooLong).length, 1);
  assert.ok(records.length > 14, `${records.length} records`);
});

test("a record that is no CSV is refused with its column", () => {
  const wrong: [string, RegExp][] = [
    ['a,b"c', /column 2 has a quote in the middle/],
    ['"a"b,c', /column 1 goes on behind/],
    ['a,"b', /column 2 has an opening quote/],
    ["a\rb", /column 1 has a carriage return/],
  ];
  for (const [text, expected] of wrong) {
    assert.throws(
      () => parseCsvRecord(text),
      (error) => isMillraceError(error, "BAD_MESSAGE") && expected.test(error.message),
    );
  }
  assert.deepEqual(parseCsvRecord(""), [""]);
  assert.deepEqual(parseCsvRecord('"",,""""'), ["", "", '"']);
});
