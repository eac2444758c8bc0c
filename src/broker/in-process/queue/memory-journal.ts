/** The journal of a queue that is written down nowhere: all that it holds stands in its state. */

import { assert } from "../../../model/assert.ts";
import type { RawMessage } from "../../../model/message.ts";
import { type QueueRules, QueueState } from "../../queue-state.ts";
import type { QueueJournal, RecoveredQueue } from "./queue-journal.ts";

const DONE = Promise.resolve();

/** Every message stays in the state, so nothing is held back and nothing is ever read again. */
export class MemoryJournal implements QueueJournal {
  readonly generation = "m";
  readonly heldBack = 0;
  #nextSequence = 0;

  async recover(rules: QueueRules): Promise<RecoveredQueue> {
    return { state: new QueueState(rules), unsettled: [] };
  }

  send(sends: readonly unknown[]): { firstSequence: number; durable: Promise<void> } {
    const firstSequence = this.#nextSequence;
    this.#nextSequence += sends.length;
    return { firstSequence, durable: DONE };
  }

  record(): Promise<void> {
    return DONE;
  }

  holdBack(): boolean {
    return false;
  }

  async loadHeldBack(): Promise<void> {}

  async readMessage(): Promise<RawMessage> {
    assert(false, "a queue in memory keeps every message in its state");
  }

  forgetMessage(): void {}

  async recentIds(): Promise<readonly []> {
    return [];
  }

  tend(): void {}

  async configure(): Promise<void> {}

  async close(): Promise<void> {}
}
