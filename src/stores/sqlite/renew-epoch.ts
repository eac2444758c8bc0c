/**
 * A store that was restored counts the messages of its lanes on from where the backup left them, and so
 * did the store that was lost: under the same numbers they would be two different messages, and whoever
 * has seen the first would drop the second. So a restored store gets a new epoch. Messages that wait in
 * its outbox keep the one under which they may have been published already.
 */

import { DatabaseSync } from "node:sqlite";
import { assert } from "../../model/assert.ts";
import { MillraceError } from "../../model/errors.ts";
import { newStoreEpoch } from "../../store/store-epoch.ts";
import { APPLICATION_ID } from "./schema.ts";

/** Of a file that nobody has open; durable when it returns. Throws STORE_FAILED for another's file. */
export function renewEpoch(file: string, nowMs: number): { readonly epoch: number } {
  const database = new DatabaseSync(file);
  try {
    const application = database.prepare("PRAGMA application_id").get()?.["application_id"];
    if (application !== APPLICATION_ID) {
      throw new MillraceError(
        "STORE_FAILED",
        `${file} is no store of Millrace; leave files of others out of the backup`,
        { details: { path: file } },
      );
    }
    database.exec("PRAGMA synchronous = FULL");
    database.prepare("UPDATE store SET epoch = max(epoch + 1, ?)").run(newStoreEpoch(nowMs));
    const epoch = database.prepare("SELECT epoch FROM store").get()?.["epoch"];
    assert(typeof epoch === "number", "a store has an epoch");
    // What is in the write-ahead log moves into the file, so that the file alone is the store.
    database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    return { epoch };
  } finally {
    database.close();
  }
}
