/** The committed tables are what the generator makes of Kafka's definitions. */

import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { DEFINITIONS, GENERATED, generateTables } from "../scripts/kafka-tables.ts";

const skip = existsSync(DEFINITIONS) ? false : `Kafka's definitions are not in ${DEFINITIONS}`;

test("generating the Kafka tables again gives the bytes that are committed", { skip }, (t) => {
  const target = mkdtempSync(join(tmpdir(), "millrace-kafka-tables-"));
  t.after(() => rmSync(target, { recursive: true }));
  generateTables(DEFINITIONS, target);
  const files = readdirSync(GENERATED);
  assert.deepEqual(readdirSync(target), files);
  for (const file of files) {
    const [made, committed] = [target, GENERATED].map((folder) =>
      readFileSync(join(folder, file), "utf8"),
    );
    assert.equal(made, committed, file);
  }
  assert.ok(files.length > 37);
  t.diagnostic(`${files.length} files compared`);
});
