/**
 * The tables of a store, as steps from an empty file. A step, once released, never changes: a new
 * form is a new step at the end. The number of steps is the format's version; a file of a newer one
 * is refused.
 *
 * Documents live in a table per collection (`collection_1`, ...), made when the collection is first
 * ensured, with one column per indexed field; see `tables/documents.ts`.
 */

/** "MilS" in ASCII: tells a store from other SQLite files. */
export const APPLICATION_ID = 0x4d696c53;

export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE store (epoch INTEGER NOT NULL) STRICT;
  INSERT INTO store VALUES (1);

  -- fields: a JSON object from indexed field to column; columns are never reused.
  CREATE TABLE collections (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    fields TEXT NOT NULL,
    columns_made INTEGER NOT NULL,
    live_count INTEGER NOT NULL
  ) STRICT;

  -- Some events of one commit; sequences have no gaps: a set that is left out takes none.
  CREATE TABLE event_blocks (
    first_sequence INTEGER PRIMARY KEY,
    event_count INTEGER NOT NULL,
    events BLOB NOT NULL
  ) STRICT;
  CREATE TABLE entity_events (
    entity TEXT NOT NULL,
    version INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    PRIMARY KEY (entity, version)
  ) STRICT, WITHOUT ROWID;

  -- log is null while nothing was finished; above: JSON [[from, to], ...].
  CREATE TABLE inputs (
    id INTEGER PRIMARY KEY,
    consumer TEXT NOT NULL,
    input TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    log TEXT,
    position INTEGER NOT NULL,
    above TEXT NOT NULL,
    UNIQUE (consumer, input)
  ) STRICT;
  CREATE TABLE inbox_lanes (
    input INTEGER NOT NULL,
    lane TEXT NOT NULL,
    high INTEGER NOT NULL,
    holes TEXT NOT NULL,
    PRIMARY KEY (input, lane)
  ) STRICT, WITHOUT ROWID;
  -- The window of strangers' ids; ordinal counts without gaps within an input.
  CREATE TABLE seen_ids (
    input INTEGER NOT NULL,
    id TEXT NOT NULL,
    ordinal INTEGER NOT NULL,
    seen_ms INTEGER NOT NULL,
    PRIMARY KEY (input, id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX seen_ids_by_age ON seen_ids (input, ordinal, seen_ms);

  -- trimmed: messages below it are gone, also where their row still stands.
  CREATE TABLE lanes (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    next_sequence INTEGER NOT NULL,
    trimmed INTEGER NOT NULL,
    owner TEXT,
    leased_until_ms INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE outbox (
    row INTEGER PRIMARY KEY,
    lane INTEGER NOT NULL,
    first_sequence INTEGER NOT NULL,
    message_count INTEGER NOT NULL,
    messages BLOB NOT NULL
  ) STRICT;
  CREATE INDEX outbox_by_lane ON outbox (lane, first_sequence, message_count);

  CREATE TABLE parked (
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    consumer TEXT NOT NULL,
    input TEXT NOT NULL,
    key TEXT NOT NULL,
    incoming TEXT NOT NULL,
    message BLOB NOT NULL,
    parked_ms INTEGER NOT NULL,
    cause TEXT,
    redrive INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX parked_by_key ON parked (consumer, input, key);
  CREATE INDEX parked_for_redrive ON parked (row) WHERE redrive = 1;
  `,
  `
  -- Of one moment the lower row was set first.
  CREATE TABLE timers (
    row INTEGER PRIMARY KEY,
    consumer TEXT NOT NULL,
    instance TEXT NOT NULL,
    name TEXT NOT NULL,
    id TEXT NOT NULL,
    due_ms REAL NOT NULL,
    message BLOB NOT NULL,
    UNIQUE (consumer, instance, name)
  ) STRICT;
  CREATE INDEX timers_by_moment ON timers (consumer, due_ms);

  CREATE TABLE effects (
    row INTEGER PRIMARY KEY,
    consumer TEXT NOT NULL,
    message TEXT NOT NULL,
    name TEXT NOT NULL,
    json TEXT NOT NULL,
    at_ms REAL NOT NULL,
    UNIQUE (consumer, message, name)
  ) STRICT;
  CREATE INDEX effects_by_age ON effects (at_ms);

  -- As in the cause; null where a person has to ask for the redrive, and for rows that wait.
  ALTER TABLE parked ADD COLUMN retry_at_ms REAL;
  CREATE INDEX parked_for_retry ON parked (consumer, input, retry_at_ms)
    WHERE retry_at_ms IS NOT NULL AND redrive = 0;
  `,
];

export const SCHEMA_VERSION: number = MIGRATIONS.length;
