/**
 * Positions: how far a reader has come, and in which log.
 *
 * An offset alone is meaningless: 120 in a stream that was deleted and made again is another
 * message. So what keeps an offset keeps the log's name with it, as the text
 * `cluster/stream/incarnation`, and a reader that finds another log, or an offset beyond the end, is
 * refused with the remedy.
 */

/** Where to start reading, when no position is kept. */
export type StartAt =
  | "earliest"
  | "latest"
  | { readonly offset: number }
  /** The first message appended at or after this moment; milliseconds since 1970. */
  | { readonly timeMs: number };
