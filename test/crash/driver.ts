/**
 * A component of the kill suite: what it does in the child, and what the parent makes of its reports.
 *
 * The two halves share nothing but reports and the directory: the child may die at any step.
 */

import type { Broker } from "../../src/broker/broker.ts";
import type { Environment } from "../../src/model/environment.ts";
import type { Random } from "../../src/model/ids.ts";
import type { Control, DoorPorts, Json, Report, Tell } from "./report.ts";

export interface ChildContext {
  readonly broker: Broker;
  readonly directory: string;
  readonly environment: Environment;
  readonly control: Control | undefined;
  readonly life: number;
  /** Of this life alone: a repeated run makes the same choices, at other moments. */
  readonly random: Random;
  readonly tell: Tell;
  /** What `resume` of the record returned after the life before; null in the first. */
  readonly resume: Json;
}

export interface Driver {
  readonly name: string;
  /** Its clients live in the parent and outlive the child, which lets them in by its doors. */
  readonly overWire?: true;
  /**
   * Opens what it needs, and works without end. What it returns is called when all have opened: until
   * then those that are quick would keep the others from opening.
   */
  start(context: ChildContext): Promise<(() => void) | void>;
  createRecord(): ComponentRecord;
}

export const VIOLATION_KINDS = [
  "lost",
  "twice",
  "regressed",
  "disorder",
  "wrong",
  /** Committed, and a reader of committed records was led past it. */
  "unseen",
  /** Two contents of one offset, or found at another offset than the one acknowledged. */
  "inconsistent",
  /** A reader of committed records was given one that was taken back. */
  "aborted read",
  /** Of what one transaction did a part is there and a part is not. */
  "torn",
] as const;
export type ViolationKind = (typeof VIOLATION_KINDS)[number];

/** Something that must never happen; any one fails the run. */
export interface Violation {
  readonly kind: ViolationKind;
  readonly text: string;
}

/** What must be counted, and be more than zero, for the run to prove anything. */
export type Totals = Readonly<Record<string, number>>;

/** What holds for all lives. */
export interface Run {
  readonly control: Control | undefined;
  readonly random: Random;
  readonly ports: DoorPorts;
}

/** The parent's memory of one component. */
export interface ComponentRecord {
  take(report: Report): void;
  /**
   * The child is gone: for each kind of work how many attempts were neither acknowledged nor refused.
   * Forgets them as in flight.
   */
  died(): Readonly<Record<string, number>>;
  /** What the next life must know. */
  resume(): Json;
  /** Compares the record with the broker that was opened on the directory after a kill. */
  verify(opened: Opened, options: { readonly last: boolean }): Promise<void>;
  readonly violations: readonly Violation[];
  readonly totals: Totals;
  /** More that is worth a line at the end. */
  readonly remarks?: readonly string[];
  /** Begins what the component needs in the parent. */
  open?(run: Run): Promise<void>;
  /** A child that serves this component lets its clients in. */
  living?(): void;
  /** Ends it. */
  close?(): Promise<void>;
}

export interface Opened {
  readonly broker: Broker;
  readonly directory: string;
  readonly environment: Environment;
}
