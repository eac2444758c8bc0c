/**
 * The queue face of the broker port: messages that are each consumed once, under a lease.
 *
 * The life of a message: waiting (or delayed) -> leased -> accepted and gone, released and waiting
 * again with its attempts counted, or rejected into the dead letters. A lease that ends unsettled is
 * a release. After the last attempt a release is a rejection.
 */

import type { Outcome } from "../model/outcome.ts";
import type { RawMessage } from "../model/message.ts";
import type { BrokerCapabilities } from "./capabilities.ts";
import type { DedupeWindow, Durability } from "./streams.ts";

export interface QueueSpec {
  readonly name: string;
  /** Deliveries before a message becomes a dead letter; 5 unless said. */
  readonly attempts?: number;
  /** How long a lease lasts; 30,000 unless said. */
  readonly leaseMs?: number;
  /** Waiting, delayed and leased messages together; sends beyond it fail with QUEUE_FULL. */
  readonly depthMax?: number;
  /** Lease messages of one key one after another. */
  readonly keyOrder?: boolean;
  readonly durability?: Durability;
  readonly dedupe?: DedupeWindow;
  /**
   * Lives in memory alone and ends, with all that it holds, when the broker client that made it is
   * closed: for the replies to one process. A queue is made temporary or not, and stays so.
   */
  readonly temporary?: boolean;
}

export interface QueueInfo {
  readonly spec: QueueSpec;
  readonly waiting: number;
  readonly delayed: number;
  readonly leased: number;
  readonly deadLetters: number;
  /** When the oldest waiting message was sent. */
  readonly oldestMs?: number;
}

export interface QueueSend {
  readonly message: RawMessage;
  /** Not to be leased before so many milliseconds from now. */
  readonly delayMs?: number;
}

export interface Sent {
  /** The broker's own name for the message, increasing within a queue. */
  readonly sequence: number;
  readonly duplicate: boolean;
}

export interface Lease {
  readonly queue: string;
  readonly sequence: number;
  readonly message: RawMessage;
  /** 1 at the first delivery. */
  readonly attempt: number;
  /** When the message was sent. */
  readonly sentMs: number;
  /** When the lease ends unless extended. */
  readonly endsMs: number;
  /** Tells this lease from earlier and later ones of the same message. */
  readonly token: string;
}

/** Why a message became a dead letter; texts are bounded to 2,000 characters. */
export interface DeadLetterCause {
  /** A code of `MillraceError`, or the error's own name. */
  readonly code: string;
  readonly message: string;
}

export interface DeadLetter {
  readonly queue: string;
  readonly sequence: number;
  readonly message: RawMessage;
  readonly attempts: number;
  readonly sentMs: number;
  readonly deadMs: number;
  readonly cause: DeadLetterCause;
}

export interface ReceiveOptions {
  /** Leases held unsettled at one time by this receiver. */
  readonly credit: number;
  readonly signal?: AbortSignal;
}

/** Groups of leases, never more than `credit` unsettled; ends when closed or the signal aborts. */
export interface QueueReceiver extends AsyncIterable<readonly Lease[]> {
  /** Hands out nothing more. Leases already given stay valid until settled or ended. */
  close(): Promise<void>;
}

export interface Queues {
  readonly capabilities: BrokerCapabilities;

  /**
   * Creates the queue, or brings an existing one to the given settings. Throws STREAM_MISMATCH where it
   * exists with or without `keyOrder`, or temporary or not, other than asked.
   */
  ensureQueue(spec: QueueSpec): Promise<QueueInfo>;

  /**
   * Resolves when every item is durable or has failed; items enter the queue in their order.
   *
   * Once an item of a call has failed for another reason than its own content (TOO_LARGE is its own),
   * nothing behind it in that call is written; what lies behind fails with it, save repetitions of
   * what was durable before. So sending again from the first failure on keeps the order.
   *
   * Throws UNKNOWN_QUEUE; per item TOO_LARGE, QUEUE_FULL, DISK_FULL, DISK_FAILED, OVERLOADED, CLOSED.
   */
  send(queue: string, items: readonly QueueSend[]): Promise<readonly Outcome<Sent>[]>;

  receive(queue: string, options: ReceiveOptions): Promise<QueueReceiver>;

  /** Removes the messages. Per item LEASE_LOST if the lease ended first. Works on a full disk. */
  accept(leases: readonly Lease[]): Promise<readonly Outcome<void>[]>;

  /** Gives the message back, after `delayMs`; at its last attempt it becomes a dead letter with `cause`. */
  release(
    lease: Lease,
    options?: {
      readonly delayMs?: number;
      readonly cause?: DeadLetterCause;
      readonly countAttempt?: boolean;
    },
  ): Promise<void>;

  /** Makes the message a dead letter now. */
  reject(lease: Lease, cause: DeadLetterCause): Promise<void>;

  /** Prolongs the lease to `ms` from now and returns it with its new end. */
  extend(lease: Lease, ms: number): Promise<Lease>;

  /** In order of their death, from the one after `after` (a `sequence`). */
  listDeadLetters(
    queue: string,
    options?: { readonly after?: number; readonly limit?: number },
  ): Promise<readonly DeadLetter[]>;

  /** Makes dead letters wait again with a fresh count of attempts. Returns how many. */
  redriveDeadLetters(queue: string, sequences: readonly number[] | "all"): Promise<number>;

  discardDeadLetters(queue: string, sequences: readonly number[] | "all"): Promise<number>;

  listQueues(): Promise<readonly QueueInfo[]>;
  describeQueue(queue: string): Promise<QueueInfo>;
  /** Removes the queue with all its messages and dead letters. */
  deleteQueue(queue: string): Promise<void>;
}
