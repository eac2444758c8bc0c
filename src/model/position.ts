/**
 * Positions: how far a reader has come, and in which log.
 *
 * An offset alone is meaningless: 120 in a stream that was deleted and made again is another
 * message. So a position names the log's incarnation too, and a reader that finds another
 * incarnation, or a position beyond the end, is refused with the remedy.
 */

/** Names one life of one stream. */
export interface LogName {
  /** The broker's own id: one data directory, one Kafka cluster. */
  readonly cluster: string;
  readonly stream: string;
  /** Changes whenever the stream is created anew. */
  readonly incarnation: string;
}

export interface Position extends LogName {
  readonly partition: number;
  /** The offset of the next message to read. */
  readonly offset: number;
}

/** Where to start reading, when no position is kept. */
export type StartAt =
  | "earliest"
  | "latest"
  | { readonly offset: number }
  /** The first message appended at or after this moment; milliseconds since 1970. */
  | { readonly timeMs: number };
