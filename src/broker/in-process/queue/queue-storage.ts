/** Where the queues of a broker in this process keep their journals. */

import type { QueueSpec } from "../../queues.ts";
import type { QueueJournal } from "./queue-journal.ts";

export interface StoredQueue {
  readonly spec: QueueSpec;
  readonly journal: QueueJournal;
}

export interface QueueStorage {
  /** The queues found when the storage was opened. */
  readonly found: readonly StoredQueue[];
  /** Durable when it resolves. */
  createQueue(spec: QueueSpec): Promise<StoredQueue>;
  saveSpec(spec: QueueSpec): Promise<void>;
  /** Removes a queue whose journal is closed. */
  removeQueue(name: string): Promise<void>;
}
