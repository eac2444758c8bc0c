import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { STATUS_BY_CODE } from "../src/http/error-status.ts";
import { ERROR_CODES, type ErrorCode } from "../src/model/errors.ts";

const PAGE = "docs/errors.md";
const BEGIN = "<!-- begin: codes (test/errors-page.test.ts) -->";
const END = "<!-- end: codes -->";

function isCode(name: string): name is ErrorCode {
  return Object.hasOwn(ERROR_CODES, name);
}

/** The part of the page that the code decides. */
function codeTable(): string {
  const rows = Object.keys(ERROR_CODES)
    .filter((name) => isCode(name))
    .map((code) => {
      const { meaning, retryable, exit } = ERROR_CODES[code];
      return `| \`${code}\` | ${meaning} | ${retryable ? "yes" : "no"} | ${exit} | ${STATUS_BY_CODE[code]} |`;
    });
  const head = "| code | meaning | retryable | exit code | HTTP status |\n|---|---|---|---|---|";
  return `${BEGIN}\n\n${head}\n${rows.join("\n")}\n\n${END}`;
}

test("docs/errors.md lists every code as it is; UPDATE_DOCS=1 rewrites the list", () => {
  const page = readFileSync(PAGE, "utf8");
  const from = page.indexOf(BEGIN);
  const to = page.indexOf(END) + END.length;
  assert.ok(from >= 0 && to > from, `${PAGE} has lost its marks`);
  const expected = page.slice(0, from) + codeTable() + page.slice(to);
  if (process.env["UPDATE_DOCS"] === "1") writeFileSync(PAGE, expected);
  else assert.equal(page, expected);
});
