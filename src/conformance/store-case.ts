/** What a case of the store port is given. */

import assert from "node:assert/strict";
import type { IdWindow } from "../store/limits.ts";
import type { Store } from "../store/store.ts";
import type { Fault, TestTime } from "./broker-case.ts";
import type { Note, Topic } from "./case.ts";

export type StoreNeed =
  | Fault
  /** Only one process may have it open. */
  | "exclusive";

/** One store with data of its own. */
export interface StorePlace extends AsyncDisposable {
  /** The store that is open now: another one after each fault. */
  readonly store: Store;
  /** The window of ids that it was opened with: small, so that cases can pass it. */
  readonly idWindow: IdWindow;
  readonly time: TestTime;
  readonly faults: Readonly<Partial<Record<Fault, () => Promise<void>>>>;
  /** Opens the same data once more, beside the store that has it. */
  readonly openBeside: () => Promise<Store>;
}

export interface StoreContext {
  readonly store: () => Store;
  readonly idWindow: IdWindow;
  readonly time: TestTime;
  /** Applies a fault that the case named among its needs. */
  readonly suffer: (fault: Fault) => Promise<void>;
  readonly openBeside: () => Promise<Store>;
  readonly note: Note;
}

export type StoreTopic = Topic<StoreContext, StoreNeed>;

/** The statuses of a batch's sets by key, as one line: `a applied, b conflict`. */
export function statusesOf(outcome: Awaited<ReturnType<Store["apply"]>>): string {
  assert.ok(outcome.sets.length > 0, "the batch has no sets, so it proves nothing");
  return outcome.sets.map(({ key, status }) => `${key} ${status}`).join(", ");
}
