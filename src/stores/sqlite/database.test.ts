import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { isMillraceError } from "../../model/errors.ts";
import { Database, integerOf, textOf } from "./database.ts";
import type { DatabaseOptions } from "./database.ts";
import { APPLICATION_ID, SCHEMA_VERSION } from "./schema.ts";

function optionsFor(t: TestContext): DatabaseOptions {
  const directory = mkdtempSync(join(tmpdir(), "millrace-database-"));
  t.after(() => rmSync(directory, { recursive: true }));
  return {
    path: join(directory, "made", "on", "the", "way", "shop.db"),
    service: "shop",
    durable: true,
    bytesMax: undefined,
    newEpoch: 1,
  };
}

/** Opens and closes the file, so that it is there. */
function made(options: DatabaseOptions): string {
  new Database(options).close();
  return options.path;
}

test("a commit is synced: write-ahead log, synchronous FULL, one process", (t) => {
  const options = optionsFor(t);
  const durable = new Database(options);
  assert.equal(integerOf(durable.row("PRAGMA synchronous"), "synchronous"), 2);
  assert.equal(textOf(durable.row("PRAGMA journal_mode"), "journal_mode"), "wal");
  assert.equal(textOf(durable.row("PRAGMA locking_mode"), "locking_mode"), "exclusive");
  durable.close();
  const careless = new Database({ ...options, durable: false });
  assert.equal(integerOf(careless.row("PRAGMA synchronous"), "synchronous"), 0);
  careless.close();
});

test("a file says what it is and which format it has", (t) => {
  const plain = new DatabaseSync(made(optionsFor(t)));
  assert.deepEqual(
    { ...plain.prepare("PRAGMA application_id").get() },
    {
      application_id: APPLICATION_ID,
    },
  );
  assert.deepEqual(
    { ...plain.prepare("PRAGMA user_version").get() },
    {
      user_version: SCHEMA_VERSION,
    },
  );
  plain.close();
});

test("a file of a newer format is refused and left as it is", (t) => {
  const options = optionsFor(t);
  const plain = new DatabaseSync(made(options));
  plain.exec(`PRAGMA user_version = ${SCHEMA_VERSION + 1}`);
  plain.close();
  assert.throws(
    () => new Database(options),
    (error) => isMillraceError(error, "DIRECTORY_VERSION") && /newer/.test(error.message),
  );
  const after = new DatabaseSync(options.path);
  assert.deepEqual(
    { ...after.prepare("PRAGMA user_version").get() },
    {
      user_version: SCHEMA_VERSION + 1,
    },
  );
  after.close();
});

test("a database of another program is refused and left as it is", (t) => {
  const options = optionsFor(t);
  const path = made(options);
  rmSync(path);
  const foreign = new DatabaseSync(path);
  foreign.exec("CREATE TABLE theirs (a); INSERT INTO theirs VALUES (1)");
  foreign.close();
  assert.throws(
    () => new Database(options),
    (error) => isMillraceError(error, "STORE_FAILED") && /no Millrace store/.test(error.message),
  );
  const after = new DatabaseSync(path);
  assert.equal(after.prepare("SELECT count(*) AS n FROM sqlite_schema").get()?.["n"], 1);
  after.close();
});

test("a file that is no database is refused with the remedy", (t) => {
  const options = optionsFor(t);
  writeFileSync(made(options), "this is text, and long enough to be taken for a header ".repeat(9));
  assert.throws(
    () => new Database(options),
    (error) => isMillraceError(error, "STORE_FAILED") && /backup/.test(error.message),
  );
});

test("a second opener in the same process is refused as well", (t) => {
  const options = optionsFor(t);
  const first = new Database(options);
  assert.throws(
    () => new Database(options),
    (error) => isMillraceError(error, "DIRECTORY_IN_USE"),
  );
  first.close();
  made(options);
});

test("a directory made for the file is closed to other users, whatever the umask", (t) => {
  const before = process.umask(0);
  t.after(() => process.umask(before));
  const path = made(optionsFor(t));
  // oxlint-disable-next-line no-bitwise -- the permission bits of a mode
  assert.equal(statSync(dirname(path)).mode & 0o777, 0o750);
});
