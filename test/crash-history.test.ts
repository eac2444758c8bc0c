/** The history checker of the kill suite: for every verdict the shortest history that earns it. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { History, type HistoryEvent, type PlacedRecord } from "./crash/wire/history.ts";

const write = (record: string, transaction?: string): HistoryEvent => ({
  type: "write",
  record,
  ...(transaction !== undefined && { transaction }),
});
const acknowledged = (record: string, offset?: number): HistoryEvent => ({
  type: "acknowledged",
  record,
  partition: 0,
  ...(offset !== undefined && { offset }),
});
const begin = (transaction: string, position: number): HistoryEvent => ({
  type: "begin",
  transaction,
  producer: "t",
  position,
});
const ended = (transaction: string, as: "committed" | "aborted" | "decided"): HistoryEvent => ({
  type: "ended",
  transaction,
  as,
});
const seek = (offset: number): HistoryEvent => ({
  type: "seek",
  group: "g",
  reader: "r",
  partition: 0,
  offset,
});
const position = (type: "committing" | "position acknowledged", offset: number): HistoryEvent => ({
  type,
  group: "g",
  partition: 0,
  offset,
});

/** The words at their places; "-" is an offset without a record, as a marker has one. */
function placed(text: string, from = 0): PlacedRecord[] {
  return text
    .split(" ")
    .map((record, index) => ({ offset: from + index, record }))
    .filter(({ record }) => record !== "" && record !== "-");
}

function poll(from: number, text: string, next = from + text.split(" ").length): HistoryEvent {
  return { type: "poll", reader: "r", partition: 0, from, next, records: placed(text, from) };
}

function log(all: string, committed = all, positions: readonly (readonly [string, number])[] = []) {
  const end = all.split(" ").length;
  const look = { partition: 0, from: 0, to: end, end };
  const partitions = [{ ...look, all: placed(all), committed: placed(committed) }];
  return { type: "log", partitions, positions: new Map(positions) } as const;
}

function kindsOf(...events: readonly HistoryEvent[]): string[] {
  const history = new History();
  for (const event of events) history.take(event);
  return history.findings.map(({ kind }) => kind);
}

const twoWritten = [write("a"), write("b"), acknowledged("a", 0), acknowledged("b", 1)];
const inTransaction = [begin("t1", 1), write("a", "t1"), write("b", "t1")];
const bothAcknowledged = [...inTransaction, acknowledged("a", 0), acknowledged("b", 1)];

test("a history in which all is as it was told has no findings", () => {
  assert.deepEqual(kindsOf(...twoWritten, seek(0), poll(0, "a b"), log("a b")), []);
  assert.deepEqual(kindsOf(write("a"), log("a")), [], "without an answer it may be there");
  assert.deepEqual(kindsOf(write("a"), log("")), [], "or not");
  const committed = [...bothAcknowledged, ended("t1", "committed")];
  assert.deepEqual(
    kindsOf(...committed, seek(0), poll(0, "a b -"), log("a b -", "a b -", [["t", 1]])),
    [],
  );
  const aborted = [...bothAcknowledged, ended("t1", "aborted")];
  assert.deepEqual(kindsOf(...aborted, seek(0), poll(0, "- - -"), log("a b -", "- - -")), []);
});

test("an acknowledged record that is not there is lost, then and later", () => {
  assert.deepEqual(kindsOf(...twoWritten, log("a")), ["lost"]);
  assert.deepEqual(kindsOf(write("a"), acknowledged("a"), log("")), ["lost"]);
  assert.deepEqual(kindsOf(...twoWritten, log("a b"), log("a")), ["lost"], "it was there once");
});

test("a record that nobody wrote is wrong", () => {
  assert.deepEqual(kindsOf(log("a")), ["wrong"]);
});

test("a record at two offsets is there twice", () => {
  assert.deepEqual(kindsOf(...twoWritten, log("a b a")), ["twice"]);
  assert.deepEqual(kindsOf(...twoWritten, log("a b"), log("a b a")), ["twice"]);
});

test("a committed record that a reader was led past is unseen", () => {
  assert.deepEqual(kindsOf(...twoWritten, seek(0), poll(0, "- b"), log("a b")), ["unseen"]);
  assert.deepEqual(
    kindsOf(...bothAcknowledged, ended("t1", "committed"), seek(0), poll(0, "a -"), log("a b")),
    ["unseen"],
  );
  assert.deepEqual(kindsOf(...twoWritten, seek(2), log("a b")), ["unseen"], "nobody committed 2");
});

test("one offset with two contents, or another one than acknowledged, is inconsistent", () => {
  assert.deepEqual(kindsOf(...twoWritten, seek(0), poll(0, "b b"), log("a b")), ["inconsistent"]);
  assert.deepEqual(kindsOf(write("a"), acknowledged("a", 1), log("a")), ["inconsistent"]);
  assert.deepEqual(kindsOf(write("a"), log("a"), acknowledged("a", 1)), ["inconsistent"]);
  const other = [write("a"), write("b"), log("a"), log("b")];
  assert.ok(kindsOf(...other).includes("inconsistent"));
  assert.deepEqual(kindsOf(write("a"), log("-", "a")), ["inconsistent"], "for some readers only");
});

test("a record that was taken back and given to a reader of committed records is found", () => {
  const aborted = [...bothAcknowledged, ended("t1", "aborted"), seek(0)];
  assert.deepEqual(kindsOf(...aborted, poll(0, "a - -"), log("a b -", "- - -")), ["aborted read"]);
  assert.ok(kindsOf(...aborted, log("a b -")).includes("aborted read"), "or to a look at the log");
});

test("what was decided stays so", () => {
  const decided = [...bothAcknowledged, ended("t1", "decided")];
  assert.deepEqual(kindsOf(...decided, log("a b -", "- - -"), log("a b -", "a b -", [["t", 1]])), [
    "aborted read",
    "aborted read",
    "torn",
  ]);
  assert.deepEqual(kindsOf(...twoWritten, log("a b"), log("a b", "a -")), ["lost"]);
});

test("a poll waits for a look that reaches as far, and is judged then", () => {
  const early = [...twoWritten, seek(0), poll(0, "- b")];
  assert.deepEqual(kindsOf(...early), []);
  const part = { all: placed("a b"), committed: placed("a") };
  const look = { partition: 0, from: 0, to: 1, end: 2, ...part };
  const short: HistoryEvent = { type: "log", partitions: [look], positions: new Map() };
  assert.deepEqual(kindsOf(...early, short), []);
  assert.deepEqual(kindsOf(...early, short, log("a b")), ["unseen"]);
});

test("offsets of a reader that go back are found", () => {
  assert.deepEqual(kindsOf(...twoWritten, seek(0), poll(0, "a"), poll(0, "a b"), log("a b")), [
    "regressed",
  ]);
  const unsorted: HistoryEvent = {
    type: "poll",
    reader: "r",
    partition: 0,
    from: 0,
    next: 2,
    records: placed("a b").toReversed(),
  };
  assert.deepEqual(kindsOf(...twoWritten, seek(0), unsorted, log("a b")), ["regressed"]);
});

test("a position behind the one that was acknowledged went back", () => {
  const attempted = [seek(0), poll(0, "", 5), position("committing", 5)];
  assert.deepEqual(kindsOf(...attempted, seek(0)), [], "without an answer it may be so");
  assert.deepEqual(kindsOf(...attempted, seek(5)), [], "or so");
  const promised = [...attempted, position("position acknowledged", 5)];
  assert.deepEqual(kindsOf(...promised, seek(5)), []);
  assert.deepEqual(kindsOf(...promised, seek(4)), ["regressed"]);
});

test("a position beyond what the group's readers were given leaves records unseen", () => {
  const ahead = [seek(0), poll(0, "", 3), position("committing", 5)];
  assert.deepEqual(kindsOf(...ahead, seek(3)), []);
  assert.deepEqual(kindsOf(...ahead, seek(5)), ["unseen"]);
  assert.deepEqual(kindsOf(...ahead, poll(3, "", 5), seek(5)), [], "it was given later");
  assert.deepEqual(kindsOf(seek(0), poll(0, "", 3), seek(3)), ["unseen"], "nobody asked for it");
});

test("readers that are held back although every transaction is over miss what comes", () => {
  const look = { partition: 0, from: 0, to: 1, end: 2, all: placed("a b"), committed: placed("a") };
  const event = { type: "log", partitions: [look], positions: new Map() } as const;
  assert.deepEqual(kindsOf(...twoWritten, event), [], "something may be open");
  assert.deepEqual(kindsOf(...twoWritten, { ...event, decided: true }), ["unseen"]);
});

test("a transaction that was committed and is not visible is lost", () => {
  const committed = [...bothAcknowledged, ended("t1", "committed")];
  assert.deepEqual(kindsOf(...committed, log("a b -", "- - -")), ["lost"]);
});

test("a transaction behind one that is still open waits for a look that reaches as far", () => {
  const committed = [...bothAcknowledged, ended("t1", "committed")];
  const part = { all: placed("a b -"), committed: placed("a") };
  const look = { partition: 0, from: 0, to: 1, end: 3, ...part };
  const short: HistoryEvent = { type: "log", partitions: [look], positions: new Map([["t", 1]]) };
  assert.deepEqual(kindsOf(...committed, short), []);
  assert.deepEqual(kindsOf(...committed, short, log("a b -", "a - -", [["t", 1]])), ["lost"]);
});

test("a transaction of which a part is visible is torn, whatever its end", () => {
  assert.deepEqual(kindsOf(...bothAcknowledged, ended("t1", "decided"), log("a b", "a -")), [
    "torn",
  ]);
  const decided = [...bothAcknowledged, ended("t1", "decided")];
  assert.deepEqual(kindsOf(...decided, log("a b -", "a b -", [["t", 1]])), []);
  assert.deepEqual(kindsOf(...decided, log("a b -", "- - -", [["t", 0]])), []);
  assert.deepEqual(kindsOf(...bothAcknowledged, log("a b", "a -")), [], "it is still open");
});

test("positions without the records of their transaction, or the other way round, are torn", () => {
  const decided = [...bothAcknowledged, ended("t1", "decided")];
  assert.deepEqual(kindsOf(...decided, log("a b -", "- - -", [["t", 1]])), ["torn"]);
  assert.deepEqual(kindsOf(...decided, log("a b -", "a b -", [["t", 0]])), ["torn"]);
});
