import assert from "node:assert/strict";
import { test } from "node:test";
import { MillraceError } from "../model/errors.ts";
import { createLog, type LogFormat } from "./logger.ts";

const now = (): number => Date.UTC(2026, 0, 1, 9, 30, 1, 250);

function linesOf(format: LogFormat, facts: object, text = "hello"): string {
  const lines: string[] = [];
  const log = createLog({ format, now, sink: { write: (line) => lines.push(line) } });
  log.debug({}, "below the level");
  log.warn({ ...facts }, text);
  assert.equal(lines.length, 1);
  return lines[0] ?? "";
}

test("a text line carries time, level, text and facts", () => {
  assert.equal(
    linesOf("text", { stream: "orders", partition: 3, why: "two words" }),
    '09:30:01.250 warn  hello  stream=orders partition=3 why="two words"\n',
  );
});

test("a JSON line carries the same as data", () => {
  assert.deepEqual(JSON.parse(linesOf("json", { stream: "orders" })), {
    level: "warn",
    time: "2026-01-01T09:30:01.250Z",
    pid: process.pid,
    stream: "orders",
    text: "hello",
  });
});

for (const format of ["text", "json"] as const) {
  test(`secrets never reach a ${format} log, wherever they stand`, () => {
    const line = linesOf(
      format,
      {
        password: "hunter2",
        nested: { apiToken: "hunter2", deep: [{ authorization: "Bearer hunter2" }] },
        url: "http://127.0.0.1:80/?token=hunter2&a=1",
        database: "postgres://shop:hunter2@db/shop",
        error: new Error("cannot open amqp://me:hunter2@host"),
      },
      "see http://h/#token=hunter2 and Authorization: Bearer hunter2 or basic aHVudGVyMg==hunter2",
    );
    assert.doesNotMatch(line, /hunter2/);
    assert.match(line, /a=1/);
  });

  test(`an error in a ${format} log shows its code and text, and stays on one line`, () => {
    const error = new MillraceError("DISK_FULL", "no room\nleft", { cause: new Error("ENOSPC") });
    const line = linesOf(format, { error });
    assert.match(line, /DISK_FULL/);
    assert.match(line, /no room\\nleft/);
    assert.equal(line.indexOf("\n"), line.length - 1);
  });
}

test("facts without an end are cut, not followed", () => {
  const loop: Record<string, unknown> = { name: "loop" };
  loop["self"] = loop;
  assert.match(linesOf("json", { loop, big: 12n }), /"big":"12"/);
});

test("a text of several lines cannot forge a second entry", () => {
  const line = linesOf("text", {}, "first\n09:30:01.250 error forged");
  assert.equal(line.indexOf("\n"), line.length - 1);
});

for (const format of ["text", "json"] as const) {
  test(`nothing in a ${format} log drives the terminal that shows it`, () => {
    const evil = "\u001B[31m\u009B2J\u202E";
    const line = linesOf(format, { key: evil, error: new Error(evil) }, evil);
    // oxlint-disable-next-line no-control-regex -- controls are what is looked for
    assert.doesNotMatch(line.slice(0, -1), /[\u0000-\u001F\u007F-\u009F\u202E]/);
    assert.match(line, /202e/);
  });
}
