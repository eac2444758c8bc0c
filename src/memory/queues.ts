/** Queues in memory: the shared engine over journals that write nothing down. */

import { MemoryJournal } from "../broker/in-process/queue/memory-journal.ts";
import type { QueueStorage } from "../broker/in-process/queue/queue-storage.ts";

export function createMemoryQueueStorage(): QueueStorage {
  return {
    found: [],
    createQueue: async (spec) => ({ spec, journal: new MemoryJournal() }),
    async saveSpec() {},
    async removeQueue() {},
  };
}
