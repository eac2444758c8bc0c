/**
 * What the child tells the parent, one line of JSON each on its standard output.
 *
 * A line is out of the child before its next step begins (`writeWhole`), and what is in the pipe is
 * read although the child was killed. So nothing happens that the parent could not have known of. A
 * thing is acknowledged when the parent has read so, not earlier.
 */

import { writeSync } from "node:fs";

export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [name: string]: Json };

export type Fact = string | number;
export type Report = readonly [component: string, kind: string, ...facts: Fact[]];
export type Tell = (kind: string, ...facts: Fact[]) => void;

export interface DoorPorts {
  readonly kafka: number;
  readonly amqp: number;
}

/** What a child is started with, on its standard input. */
export interface Assignment {
  readonly directory: string;
  readonly seed: number;
  /** Counts the children of one run. */
  readonly life: number;
  readonly control: Control | undefined;
  /** The names of the components that work; the others are not there. */
  readonly components: readonly string[];
  /** Where it serves, the same in every life; null where none of the components needs it. */
  readonly ports: DoorPorts | null;
  /** By component: where its former life stood, as the parent knows it. */
  readonly resume: Readonly<Record<string, Json>>;
}

/** A way to do wrong on purpose, and what the suite must notice of it. */
export const CONTROLS = {
  /** A sender counts a message as acknowledged before it is sent. */
  "ack-before-write": "lost",
  /** A command is accepted when it is received, before what it causes is kept. */
  "ack-before-commit": "lost",
  /** An ask counts as answered when it is decided, before the decision is kept. */
  "answer-before-commit": "lost",
  /** An effect calls under a new idempotency key on every try. */
  "key-per-try": "twice",
  /** A Kafka producer counts a batch as acknowledged before its answer. */
  "wire-ack-early": "lost",
  /** A Kafka producer counts a transaction as committed when its records are, before its end is answered. */
  "wire-commit-unanswered": "lost",
  /** A member of a Kafka group commits a position before it has seen what lies below. */
  "wire-commit-first": "unseen",
  /** A member of a Kafka group counts a position as acknowledged that it never sends. */
  "wire-position-forgotten": "regressed",
  /** An AMQP sender counts a message as accepted when it is sent. */
  "wire-accept-early": "lost",
  /** An AMQP receiver counts its outcome as settled when it is sent. */
  "wire-settle-early": "twice",
} as const;
export type Control = keyof typeof CONTROLS;

export function isControl(name: string): name is Control {
  return Object.hasOwn(CONTROLS, name);
}

/** The line by which a child says that its work has begun. */
export const READY: Report = ["child", "ready"];

export function tellOn(write: (line: string) => void, component: string): Tell {
  return (kind, ...facts) => write(`${JSON.stringify([component, kind, ...facts])}\n`);
}

/**
 * Writes the line, and waits where the pipe is full because the parent is slow. `process.stdout` would
 * keep what does not fit in memory and go on: a kill then takes reports of things that were done, and
 * what was done looks as if nobody had tried it.
 */
export function writeWhole(file: number, line: string): void {
  for (let bytes = Buffer.from(line); bytes.length > 0;) {
    try {
      bytes = bytes.subarray(writeSync(file, bytes));
    } catch (error) {
      if (!isFull(error)) throw error;
      // Whatever else the process has for its standard output makes a full pipe refuse, not wait.
      Atomics.wait(NOBODY, 0, 0, 1);
    }
  }
}

/** Nobody wakes it, so a wait for it ends by its time. */
const NOBODY = new Int32Array(new SharedArrayBuffer(4));

function isFull(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EAGAIN";
}

export function parseReport(line: string): Report {
  const parsed: unknown = JSON.parse(line);
  if (!isReport(parsed)) throw new Error(`not a report: ${line}`);
  return parsed;
}

function isReport(value: unknown): value is Report {
  return Array.isArray(value) && typeof value[0] === "string" && typeof value[1] === "string";
}
