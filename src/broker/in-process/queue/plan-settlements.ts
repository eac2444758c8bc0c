/**
 * Turns what was asked of a queue in one turn into one set of operations, changing no message yet.
 */

import type { QueueEntry, QueueState } from "../../queue-state.ts";
import type { QueueOps } from "./queue-journal.ts";
import {
  attemptsCause,
  boundCause,
  type DeadLetterChange,
  leaseEndedCause,
  leaseLost,
  type Settlement,
} from "./settlement.ts";

export interface SettlementRequest {
  readonly settlements: readonly Settlement[];
  readonly changes: readonly DeadLetterChange[];
  /** Entries whose leases have ended. */
  readonly ended: readonly QueueEntry[];
  readonly nowMs: number;
}

export interface SettlementPlan {
  readonly ops: QueueOps;
  /** The messages that the operations concern. */
  readonly entries: readonly QueueEntry[];
  /** Restores what planning marked: the operations were not written. */
  takeBack(): void;
  /** Answers those who asked. */
  succeed(): void;
  fail(error: unknown): void;
}

/**
 * Requests that come too late fail here with LEASE_LOST. A planned lease loses its token at once,
 * so that a second request for it in the same turn finds it lost.
 */
export function planSettlements(state: QueueState, request: SettlementRequest): SettlementPlan {
  const { settlements, changes, ended, nowMs } = request;
  const accept: number[] = [];
  const release: [number, number, boolean][] = [];
  const dead: [number, number, string, string][] = [];
  const redrive: number[] = [];
  const discard: number[] = [];
  const entries: QueueEntry[] = [];
  const marked: (readonly [entry: QueueEntry, token: string])[] = [];
  const granted: Settlement[] = [];
  const counts: (readonly [change: DeadLetterChange, count: number])[] = [];

  const mark = (entry: QueueEntry, token: string): void => {
    entry.token = undefined;
    marked.push([entry, token]);
    entries.push(entry);
  };

  for (const settlement of settlements) {
    const { lease, fate } = settlement;
    const entry = state.get(lease.sequence);
    if (entry?.token === undefined || entry.token !== lease.token) {
      settlement.call.fail(settlement.index, leaseLost(lease));
      continue;
    }
    mark(entry, lease.token);
    granted.push(settlement);
    const { sequence, attempts } = entry;
    if (fate.kind === "accept") {
      accept.push(sequence);
    } else if (fate.kind === "release" && !(fate.countAttempt && state.exhausted(entry))) {
      const readyMs = fate.delayMs === 0 ? 0 : nowMs + fate.delayMs;
      release.push([sequence, readyMs, fate.countAttempt]);
    } else {
      const { code, message } = boundCause(fate.cause ?? attemptsCause(attempts));
      dead.push([sequence, nowMs, code, message]);
    }
  }

  for (const entry of ended) {
    if (entry.token === undefined) continue;
    mark(entry, entry.token);
    const { sequence, attempts } = entry;
    if (state.exhausted(entry)) {
      const { code, message } = leaseEndedCause(attempts);
      dead.push([sequence, nowMs, code, message]);
    } else {
      release.push([sequence, 0, true]);
    }
  }

  const changed = new Set<number>();
  for (const change of changes) {
    const { kind, sequences } = change;
    const wanted = sequences === "all" ? deadSequences(state) : sequences;
    let count = 0;
    for (const sequence of wanted) {
      const entry = state.getDead(sequence);
      if (entry === undefined || changed.has(sequence)) continue;
      changed.add(sequence);
      entries.push(entry);
      (kind === "redrive" ? redrive : discard).push(sequence);
      count++;
    }
    counts.push([change, count]);
  }

  return {
    ops: {
      ...(accept.length > 0 && { accept }),
      ...(release.length > 0 && { release }),
      ...(dead.length > 0 && { dead }),
      ...(redrive.length > 0 && { redrive }),
      ...(discard.length > 0 && { discard }),
    },
    entries,
    takeBack() {
      for (const [entry, token] of marked) entry.token = token;
    },
    succeed() {
      for (const { call, index } of granted) call.succeed(index, undefined);
      for (const [change, count] of counts) change.succeed(count);
    },
    fail(error) {
      for (const { call, index } of granted) call.fail(index, error);
      for (const [change] of counts) change.fail(error);
    },
  };
}

function* deadSequences(state: QueueState): Generator<number> {
  for (const { sequence } of state.deadLetters()) yield sequence;
}
