/**
 * What the store keeps of each consumer's input. The worker is the only writer, so what it has read
 * once stays in memory, lanes included; a rollback makes it forget.
 */

import { refuseBatchInput, refuseOlderEpoch } from "../../../store/input-refusal.ts";
import type { InboxChange, InboxState } from "../../../store/batch-inbox.ts";
import type { IdWindow } from "../../../store/limits.ts";
import { NO_LANE_PROGRESS } from "../../../store/progress.ts";
import type { LaneProgress, Progress } from "../../../store/progress.ts";
import type { InputProgress } from "../../../store/store.ts";
import type { BatchInput } from "../../../store/write-set.ts";
import { integerOf, textOf } from "../database.ts";
import type { Database, Row } from "../database.ts";
import { SeenFilter } from "./seen-filter.ts";

export interface InputRow extends InboxState {
  readonly id: number;
  readonly consumer: string;
  readonly input: string;
  epoch: number;
  log: string | undefined;
  progress: Progress;
  readonly lanes: Map<string, LaneProgress>;
  /** The window of ids holds the ordinals from `oldestSeen` up to `nextSeen`. */
  oldestSeen: number;
  nextSeen: number;
  filter: SeenFilter | undefined;
  /** How many ids the filter may still get. */
  filterRoom: number;
}

/** The answer to which ids were seen, with a filter for the next question where there is one. */
export interface SeenAnswer {
  readonly seen: readonly string[];
  readonly filter?: SharedArrayBuffer;
}

/** Ids that a filter takes beyond those it is built from. */
const FILTER_ROOM = 100_000;
/** The largest window that is read for a filter: reading it takes the worker under 0.1 s. */
const FILTERED_MAX = 200_000;

export class InputTable {
  readonly #database: Database;
  readonly #window: IdWindow;
  readonly #known = new Map<string, InputRow>();

  constructor(database: Database, window: IdWindow) {
    this.#database = database;
    this.#window = window;
  }

  forget(): void {
    for (const input of this.#known.values()) retireFilter(input);
    this.#known.clear();
  }

  /** The input of a batch, made where it is new. Throws FENCED and POSITION_MISMATCH. */
  enter(batch: BatchInput): InputRow {
    const input = this.#get(batch.consumer, batch.input);
    refuseBatchInput(input, batch);
    return input;
  }

  keep(input: InputRow, batch: BatchInput, change: InboxChange, nowMs: number): void {
    input.epoch = batch.epoch;
    input.log ??= batch.log;
    input.progress = change.progress;
    this.#write(input);
    for (const [lane, progress] of change.lanes) {
      if (progress === input.lanes.get(lane)) continue;
      input.lanes.set(lane, progress);
      this.#database.run(
        "INSERT OR REPLACE INTO inbox_lanes (input, lane, high, holes) VALUES (?, ?, ?, ?)",
        input.id,
        lane,
        progress.high,
        JSON.stringify(progress.holes),
      );
    }
    for (const id of change.ids) {
      addToFilter(input, id);
      this.#database.run(
        "INSERT INTO seen_ids (input, id, ordinal, seen_ms) VALUES (?, ?, ?, ?)",
        input.id,
        id,
        input.nextSeen++,
        Math.floor(nowMs),
      );
    }
    this.#forgetIds(input, nowMs);
  }

  /** Takes over with an epoch, or only looks without one. */
  read(consumer: string, name: string, epoch: number | undefined): InputProgress {
    const input =
      this.#find(consumer, name) ?? (epoch === undefined ? undefined : this.#get(consumer, name));
    if (input === undefined) return { epoch: 0, lanes: new Map() };
    if (epoch !== undefined) {
      refuseOlderEpoch(input, epoch);
      if (epoch > input.epoch) {
        input.epoch = epoch;
        this.#write(input);
      }
    }
    return {
      ...(input.log === undefined ? {} : { progress: { ...input.progress, log: input.log } }),
      epoch: input.epoch,
      lanes: input.lanes,
    };
  }

  seenAmong(consumer: string, name: string, ids: readonly string[]): SeenAnswer {
    const input = this.#find(consumer, name);
    if (input === undefined) return { seen: [] };
    const seen = ids.filter((id) => input.hasSeen(id));
    const filter = this.#filterOf(input);
    return filter === undefined ? { seen } : { seen, filter: filter.memory };
  }

  seek(consumer: string, name: string, position: number, log: string): void {
    const input = this.#get(consumer, name);
    if (input.log !== log) input.epoch = 0;
    input.log = log;
    input.progress = { position, above: [] };
    input.lanes.clear();
    input.oldestSeen = input.nextSeen;
    this.#write(input);
    this.#database.run("DELETE FROM inbox_lanes WHERE input = ?", input.id);
    this.#database.run("DELETE FROM seen_ids WHERE input = ?", input.id);
  }

  forgetConsumer(consumer: string): void {
    for (const [name, input] of this.#known) {
      if (input.consumer !== consumer) continue;
      retireFilter(input);
      this.#known.delete(name);
    }
    const inputs = "(SELECT id FROM inputs WHERE consumer = ?)";
    this.#database.run(`DELETE FROM inbox_lanes WHERE input IN ${inputs}`, consumer);
    this.#database.run(`DELETE FROM seen_ids WHERE input IN ${inputs}`, consumer);
    this.#database.run("DELETE FROM inputs WHERE consumer = ?", consumer);
  }

  list(): { consumer: string; input: string; position: number; log: string }[] {
    return this.#database
      .rows("SELECT consumer, input, position, log FROM inputs WHERE log IS NOT NULL ORDER BY id")
      .map((row) => ({
        consumer: textOf(row, "consumer"),
        input: textOf(row, "input"),
        position: integerOf(row, "position"),
        log: textOf(row, "log"),
      }));
  }

  #filterOf(input: InputRow): SeenFilter | undefined {
    const count = input.nextSeen - input.oldestSeen;
    if (input.filter !== undefined || count > FILTERED_MAX) return input.filter;
    const filter = SeenFilter.forIds(count + FILTER_ROOM);
    const rows = this.#database.iterate("SELECT id FROM seen_ids WHERE input = ?", input.id);
    for (const row of rows) filter.add(textOf(row, "id"));
    input.filter = filter;
    input.filterRoom = FILTER_ROOM;
    return filter;
  }

  #forgetIds(input: InputRow, nowMs: number): void {
    if (input.oldestSeen === input.nextSeen) return;
    const youngestExpired = this.#database.row(
      "SELECT ordinal FROM seen_ids WHERE input = ? AND seen_ms > ? ORDER BY ordinal LIMIT 1",
      input.id,
      Math.floor(nowMs - this.#window.ms),
    );
    const firstFresh =
      youngestExpired === undefined ? input.nextSeen : integerOf(youngestExpired, "ordinal");
    const keepFrom = Math.max(firstFresh, input.nextSeen - this.#window.count);
    if (keepFrom <= input.oldestSeen) return;
    this.#database.run("DELETE FROM seen_ids WHERE input = ? AND ordinal < ?", input.id, keepFrom);
    input.oldestSeen = keepFrom;
  }

  #write({ id, epoch, log, progress }: InputRow): void {
    this.#database.run(
      "UPDATE inputs SET epoch = ?, log = ?, position = ?, above = ? WHERE id = ?",
      epoch,
      log ?? null,
      progress.position,
      JSON.stringify(progress.above.map(({ from, to }) => [from, to])),
      id,
    );
  }

  #get(consumer: string, name: string): InputRow {
    const found = this.#find(consumer, name);
    if (found !== undefined) return found;
    this.#database.run(
      "INSERT INTO inputs (consumer, input, epoch, position, above) VALUES (?, ?, 0, 0, '[]')",
      consumer,
      name,
    );
    return this.#get(consumer, name);
  }

  #find(consumer: string, name: string): InputRow | undefined {
    const cacheKey = JSON.stringify([consumer, name]);
    const known = this.#known.get(cacheKey);
    if (known !== undefined) return known;
    const row = this.#database.row(
      "SELECT * FROM inputs WHERE consumer = ? AND input = ?",
      consumer,
      name,
    );
    if (row === undefined) return undefined;
    const input = this.#load(row);
    this.#known.set(cacheKey, input);
    return input;
  }

  #load(row: Row): InputRow {
    const id = integerOf(row, "id");
    const lanes = new Map<string, LaneProgress>();
    for (const lane of this.#database.rows("SELECT * FROM inbox_lanes WHERE input = ?", id)) {
      const holes: number[] = JSON.parse(textOf(lane, "holes"));
      lanes.set(textOf(lane, "lane"), { high: integerOf(lane, "high"), holes });
    }
    const seen = this.#database.row(
      "SELECT coalesce(min(ordinal), 0) AS oldest, coalesce(max(ordinal), -1) + 1 AS next " +
        "FROM seen_ids WHERE input = ?",
      id,
    );
    const above: [from: number, to: number][] = JSON.parse(textOf(row, "above"));
    return {
      id,
      consumer: textOf(row, "consumer"),
      input: textOf(row, "input"),
      epoch: integerOf(row, "epoch"),
      log: row["log"] === null ? undefined : textOf(row, "log"),
      progress: {
        position: integerOf(row, "position"),
        above: above.map(([from, to]) => ({ from, to })),
      },
      lanes,
      oldestSeen: integerOf(seen, "oldest"),
      nextSeen: integerOf(seen, "next"),
      filter: undefined,
      filterRoom: 0,
      laneProgress: (lane) => lanes.get(lane) ?? NO_LANE_PROGRESS,
      hasSeen: (seenId) =>
        this.#database.row("SELECT 1 FROM seen_ids WHERE input = ? AND id = ?", id, seenId) !==
        undefined,
    };
  }
}

function addToFilter(input: InputRow, id: string): void {
  if (input.filterRoom === 0) retireFilter(input);
  else input.filterRoom--;
  input.filter?.add(id);
}

function retireFilter(input: InputRow): void {
  input.filter?.retire();
  input.filter = undefined;
}
