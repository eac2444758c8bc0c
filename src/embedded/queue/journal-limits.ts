/** How much a journal holds in memory, and how often it writes checkpoints. */
export interface JournalLimits {
  /** Ready messages that the state holds before new ones are held back. */
  readonly readyCount: number;
  /** Bytes of messages in memory before new ones are held back. */
  readonly cachedBytes: number;
  /** Messages held back that are loaded at a time. */
  readonly loadCount: number;
  /** Records appended after which a checkpoint is written; also what copying forward must free. */
  readonly checkpointRecords: number;
  readonly checkpointBytes: number;
}

export const JOURNAL_LIMITS: JournalLimits = {
  readyCount: 8_000,
  cachedBytes: 16 * 1024 * 1024,
  loadCount: 2_000,
  checkpointRecords: 50_000,
  checkpointBytes: 32 * 1024 * 1024,
};
