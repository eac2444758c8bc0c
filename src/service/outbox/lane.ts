/** A lane of the outbox, as the relay knows it. */

import type { Timer } from "../../model/clock.ts";
import { LaneBuffer } from "./lane-buffer.ts";

/** The lane of what one input of a part leads to: its keys' order is the order of that input. */
export function outboxLane(consumer: string, input: string): string {
  return `${consumer}/${input}`;
}

export interface Lane {
  readonly name: string;
  working: boolean;
  /** Committed by this process and not yet taken up; complete from its first on, unless `behind`. */
  readonly buffer: LaneBuffer;
  /** The store has messages that are not in the buffer. */
  behind: boolean;
  /** Everything below it was handed over or found in the store. */
  known: number;
  /** Everything below it is published. */
  published: number;
  /** Everything below it is trimmed. */
  trimmed: number;
  trimming: Promise<void> | undefined;
  trimTimer: Timer | undefined;
  leasedUntilMs: number;
  /** Why nothing gets out, where nothing does. */
  trouble: string | undefined;
}

export function createLane(name: string): Lane {
  return {
    name,
    working: false,
    buffer: new LaneBuffer(),
    behind: false,
    known: 0,
    published: 0,
    trimmed: 0,
    trimming: undefined,
    trimTimer: undefined,
    leasedUntilMs: -1,
    trouble: undefined,
  };
}
