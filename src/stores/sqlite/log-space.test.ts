import assert from "node:assert/strict";
import { cpSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Database, integerOf } from "./database.ts";
import { FREE_BYTES_MIN, LogSpace } from "./log-space.ts";

const MESSAGE = new Uint8Array(4000);

function commit(database: Database): void {
  database.begin();
  database.run("INSERT INTO outbox VALUES (NULL, 0, 0, 1, ?)", MESSAGE);
  database.commit();
}

function openIn(directory: string): Database {
  const path = join(directory, "shop.db");
  return new Database({ path, service: "shop", durable: true, bytesMax: undefined, newEpoch: 1 });
}

test("few commits lengthen the log, and zeros behind the last one are no commits", (t) => {
  const directory = mkdtempSync(join(tmpdir(), "millrace-log-space-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const running = join(directory, "running");
  const killed = join(directory, "killed");
  const database = openIn(running);
  const lengths: number[] = [];
  for (let count = 0; count < 300; count++) {
    commit(database);
    lengths.push(statSync(join(running, "shop.db-wal")).size);
  }
  // What a killed process leaves: the files as they are.
  cpSync(running, killed, { recursive: true });
  database.close();

  const changes = lengths.filter((length, index) => length !== lengths[index - 1]).length;
  assert.ok(changes > 1 && changes <= 12, `${changes} of ${lengths.length} commits grew the log`);
  const recovered = openIn(killed);
  assert.equal(integerOf(recovered.row("SELECT count(*) AS n FROM outbox"), "n"), 300);
  for (let count = 0; count < 10; count++) commit(recovered);
  assert.equal(integerOf(recovered.row("SELECT count(*) AS n FROM outbox"), "n"), 310);
  recovered.close();
});

test("a disk that is nearly full keeps its rest: no zeros are put ahead", (t) => {
  const directory = mkdtempSync(join(tmpdir(), "millrace-log-space-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const lengthWith = (freeBytes: number): number => {
    const path = join(directory, String(freeBytes));
    writeFileSync(path, "frames");
    const space = new LogSpace(path, { bytesMax: 1024 * 1024, freeBytes: () => freeBytes });
    space.keepAhead();
    space.close();
    assert.equal(space.scarce, freeBytes === FREE_BYTES_MIN);
    return statSync(path).size;
  };
  assert.equal(lengthWith(FREE_BYTES_MIN), "frames".length);
  assert.ok(lengthWith(2 * FREE_BYTES_MIN) > 100_000);
});

test("a log that is given back leaves every commit in the file, and grows anew", (t) => {
  const directory = mkdtempSync(join(tmpdir(), "millrace-log-space-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const database = openIn(directory);
  for (let count = 0; count < 100; count++) commit(database);
  const bytesOfLog = (): number => statSync(join(directory, "shop.db-wal")).size;
  const before = bytesOfLog();
  database.giveBackLog();
  assert.equal(bytesOfLog(), 0);
  for (let count = 0; count < 10; count++) commit(database);
  assert.ok(bytesOfLog() > 0 && bytesOfLog() < before);
  assert.equal(integerOf(database.row("SELECT count(*) AS n FROM outbox"), "n"), 110);
  database.close();
});
