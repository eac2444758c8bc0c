/** Who waits in this process for the answer to a command. */

import type { Verdict } from "../part.ts";
import type { WrittenPlace } from "./position-token.ts";

/** A command's verdict, and where what it wrote can be met. */
export interface Answered {
  readonly verdict: Verdict;
  readonly places: readonly WrittenPlace[];
}

/** Called once, with the first thing that is known; what comes after it is of no interest. */
export interface Asker {
  /**
   * Whether the command may be asked again under its id, so that its answer must be kept. Ids that
   * nobody gave are known to nobody.
   */
  readonly repeatable: boolean;
  /** What the command led to is committed. */
  answered(answered: Answered): void;
  /** It was not done, or nothing is known of it. */
  failed(error: unknown): void;
}
