import assert from "node:assert/strict";
import { cpSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Database, integerOf } from "./database.ts";

const MESSAGE = new Uint8Array(4000);

function commit(database: Database): void {
  database.begin();
  database.run("INSERT INTO outbox VALUES (NULL, 0, 0, 1, ?)", MESSAGE);
  database.commit();
}

function openIn(directory: string): Database {
  const path = join(directory, "shop.db");
  return new Database({ path, service: "shop", durable: true, bytesMax: undefined });
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
