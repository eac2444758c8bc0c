import assert from "node:assert/strict";
import { test } from "node:test";
import { ERROR } from "../error-codes.ts";
import {
  add,
  complete,
  covers,
  end,
  expire,
  init,
  type EndRequest,
  type Producer,
  type Step,
} from "./transaction-machine.ts";
import { EPOCH_MAX, type TransactionState } from "./transaction-state.ts";

const NOW = { nowMs: 1_000, freshId: 900 };
const PLACE = { topic: "orders", partition: 3 };

const begin = (state?: TransactionState, known?: Producer) =>
  init(state, { timeoutMs: 60_000, known, ...NOW });

const OLD: Omit<EndRequest, "committed"> = { raises: false, ...NOW };
const NEW: Omit<EndRequest, "committed"> = { raises: true, ...NOW };

function next(step: Step | ReturnType<typeof init>): TransactionState {
  assert.equal(step.error, ERROR.NONE);
  assert.ok(step.next !== undefined);
  return step.next;
}

/** A producer that has just come. */
function arrived(): TransactionState {
  return next(begin());
}

function ongoing(state: TransactionState = arrived()): TransactionState {
  return next(add(state, state, { partitions: [PLACE], nowMs: 2_000 }));
}

const place = ({ producerId, epoch }: Producer): string => `${producerId}/${epoch}`;

test("the first producer of an id begins with epoch 0, the next one fences it", () => {
  const first = arrived();
  assert.equal(place(first), "900/0");
  const second = next(begin(first));
  assert.equal(place(second), "900/1");
  assert.equal(add(second, first, { nowMs: 1 }).error, ERROR.PRODUCER_FENCED);
});

test("a producer that comes while the old one's transaction is open has it aborted, and asks again", () => {
  const step = begin(ongoing());
  assert.equal(step.error, ERROR.CONCURRENT_TRANSACTIONS);
  assert.equal(step.next?.status, "prepare-abort");
  assert.equal(step.next?.epoch, 1, "the marker fences the old producer");
  assert.equal(begin(step.next).error, ERROR.CONCURRENT_TRANSACTIONS);
  const over = complete(step.next, 3_000);
  assert.equal(over.status, "complete-abort");
  assert.equal(place(next(begin(over))), "900/2");
});

test("a batch may be appended in the transaction's partitions, and nowhere else", () => {
  const state = ongoing();
  assert.equal(covers(state, state, PLACE), ERROR.NONE);
  assert.equal(covers(state, state, { ...PLACE, partition: 4 }), ERROR.INVALID_TXN_STATE);
  assert.equal(covers(arrived(), state, PLACE), ERROR.INVALID_TXN_STATE);
  assert.equal(covers(undefined, state, PLACE), ERROR.INVALID_PRODUCER_ID_MAPPING);
  const fenced = next(begin(complete(next(end(state, state, { committed: true, ...OLD })), 1)));
  assert.equal(covers(fenced, state, PLACE), ERROR.PRODUCER_FENCED);
});

test("adding what is there changes nothing; adding more keeps the beginning", () => {
  const state = ongoing();
  assert.equal(add(state, state, { partitions: [PLACE], nowMs: 5 }).next, undefined);
  const more = next(add(state, state, { groups: ["g"], nowMs: 9_000 }));
  assert.deepEqual([more.startedMs, more.groups, more.partitions.length], [2_000, ["g"], 1]);
});

test("in the first protocol a producer keeps its epoch over the end", () => {
  const state = ongoing();
  const ending = next(end(state, state, { committed: true, ...OLD }));
  assert.equal(ending.status, "prepare-commit");
  const over = complete(ending, 3_000);
  assert.deepEqual([place(over), over.status, over.partitions], ["900/0", "complete-commit", []]);
  assert.equal(end(over, state, { committed: true, ...OLD }).error, ERROR.NONE);
  assert.equal(end(over, state, { committed: false, ...OLD }).error, ERROR.INVALID_TXN_STATE);
  assert.equal(ongoing(over).status, "ongoing");
});

test("in the second protocol each end raises the epoch, and may be asked for again", () => {
  const state = ongoing();
  const ending = next(end(state, state, { committed: true, ...NEW }));
  assert.equal(ending.epoch, 1, "the marker bears the raised epoch");
  assert.equal(
    end(ending, state, { committed: true, ...NEW }).error,
    ERROR.CONCURRENT_TRANSACTIONS,
  );
  assert.equal(end(ending, state, { committed: false, ...NEW }).error, ERROR.INVALID_TXN_STATE);
  const over = complete(ending, 3_000);
  assert.equal(place(over), "900/1");
  assert.equal(end(over, state, { committed: true, ...NEW }).error, ERROR.NONE);
  assert.equal(end(over, state, { committed: false, ...NEW }).error, ERROR.INVALID_TXN_STATE);
  assert.equal(add(over, state, { partitions: [PLACE], nowMs: 1 }).error, ERROR.PRODUCER_FENCED);
});

test("what a late request of the last transaction asks does not fall into the next one", () => {
  const state = ongoing();
  const over = complete(next(end(state, state, { committed: true, ...NEW })), 3_000);
  const second = ongoing(over);
  assert.equal(end(second, state, { committed: true, ...NEW }).error, ERROR.PRODUCER_FENCED);
  assert.equal(covers(second, state, PLACE), ERROR.PRODUCER_FENCED);
});

test("an abort of nothing raises the epoch in the second protocol; a commit of nothing is refused", () => {
  const state = arrived();
  assert.equal(end(state, state, { committed: true, ...NEW }).error, ERROR.INVALID_TXN_STATE);
  assert.equal(end(state, state, { committed: false, ...OLD }).error, ERROR.INVALID_TXN_STATE);
  const raised = next(end(state, state, { committed: false, ...NEW }));
  assert.deepEqual([place(raised), raised.status], ["900/1", "complete-abort"]);
  const again = end(raised, state, { committed: false, ...NEW });
  assert.deepEqual(again, { error: ERROR.NONE, next: undefined });
});

test("a producer whose epochs are used up goes on under a new id", () => {
  const last = ongoing({ ...arrived(), producerId: 7, epoch: EPOCH_MAX });
  const ending = next(end(last, last, { committed: true, ...NEW }));
  assert.equal(place(ending), `7/${EPOCH_MAX + 1}`, "the marker stays with the old id");
  assert.equal(place(complete(ending, 3_000)), "900/0");
  assert.equal(place(next(begin({ ...arrived(), producerId: 7, epoch: EPOCH_MAX }))), "900/0");
});

test("a producer that raises its own epoch is known by its place, and may ask again", () => {
  const first = arrived();
  const raised = next(begin(first, first));
  assert.equal(place(raised), "900/1");
  assert.deepEqual(begin(raised, first), { error: ERROR.NONE, next: undefined });
  const further = next(begin(raised, raised));
  assert.equal(begin(further, first).error, ERROR.PRODUCER_FENCED);
});

test("a transaction that is open for too long is aborted under a raised epoch", () => {
  const state = ongoing();
  assert.equal(expire(state, 2_000 + state.timeoutMs), undefined);
  const expired = expire(state, 2_001 + state.timeoutMs);
  assert.deepEqual([expired?.status, expired?.epoch], ["prepare-abort", 1]);
  assert.equal(end(expired, state, { committed: true, ...OLD }).error, ERROR.PRODUCER_FENCED);
  assert.equal(expire(arrived(), Infinity), undefined);
});
