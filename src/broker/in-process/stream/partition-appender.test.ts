import assert from "node:assert/strict";
import { test } from "node:test";
import { createTestEnvironment } from "../../../testing/environment.ts";
import { MillraceError } from "../../../model/errors.ts";
import type { RawMessage } from "../../../model/message.ts";
import { SeenIds } from "../../dedupe-window.ts";
import type { Appended } from "../../streams.ts";
import { PendingCall } from "../pending-call.ts";
import { PartitionAppender } from "./partition-appender.ts";
import type { RecordLog } from "./record-log.ts";

/** A log that refuses its first append at once, and takes what follows. */
class RefusingFirst implements RecordLog {
  readonly earliest = 0;
  end = 0;
  readonly visibleEnd = 0;
  readonly bytes = 0;
  readonly stopped = undefined;
  readonly taken: RawMessage[] = [];
  #refused = false;

  append(records: readonly RawMessage[]): { firstOffset: number; durable: Promise<void> } {
    if (!this.#refused) {
      this.#refused = true;
      throw new MillraceError("OVERLOADED", "too much waits for the disk");
    }
    const firstOffset = this.taken.length;
    this.taken.push(...records);
    this.end = this.taken.length;
    return { firstOffset, durable: Promise.resolve() };
  }

  read(): Promise<never> {
    return Promise.reject(new Error("nobody reads"));
  }
  waitFor(): Promise<never> {
    return Promise.reject(new Error("nobody waits"));
  }
  offsetAt(): Promise<number> {
    return Promise.resolve(this.end);
  }
  configure(): void {}
  retentionDueMs = Infinity;
  enforceRetention(): Promise<number> {
    return Promise.resolve(0);
  }
  close(): Promise<void> {
    return Promise.resolve();
  }
}

function appenderBefore(log: RecordLog, seen: SeenIds | undefined): PartitionAppender {
  return new PartitionAppender({
    partition: 0,
    logs: [log],
    clock: createTestEnvironment().clock,
    defer: queueMicrotask,
    seen: () => seen,
    lastDurable: [Promise.resolve()],
    grown: () => undefined,
  });
}

const withId = (id: number): RawMessage => ({
  key: null,
  headers: [["ce_id", String(id)]],
  value: null,
});

for (const deduped of [false, true]) {
  test(`what lies behind a refused part of one call is not written, ${deduped ? "with" : "without"} a window of ids`, async () => {
    const log = new RefusingFirst();
    const seen = deduped ? new SeenIds({ count: 100_000, ms: 60_000 }) : undefined;
    const appender = appenderBefore(log, seen);
    // More than one part, the last ones repetitions of the first.
    const messages = Array.from({ length: 20_000 }, (_, index) => withId(index % 19_990));
    const append = async (): Promise<readonly (string | undefined)[]> => {
      const call = new PendingCall<Appended>(messages.length);
      for (const [index, message] of messages.entries()) appender.push(message, call, index);
      const outcomes = await call.settled;
      return outcomes.map((outcome) => (outcome.ok ? undefined : outcome.error.code));
    };

    const first = await append();
    assert.equal(first.length, 20_000);
    assert.deepEqual(new Set(first), new Set(["OVERLOADED"]));
    assert.equal(log.taken.length, 0);

    const again = await append();
    assert.deepEqual(new Set(again), new Set([undefined]));
    assert.equal(log.taken.length, deduped ? 19_990 : 20_000);
  });
}
