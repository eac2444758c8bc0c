/** Correcting a message that failed. */

import type { Published, RepairOptions, Target } from "../admin.ts";

export interface FailureEdit {
  /** The corrected payload, JSON text. */
  readonly dataJson: string;
  /** Envelope fields to correct besides: a wrong type, or a version. */
  readonly type?: string;
  readonly version?: number;
}

export interface Edited {
  /** Where the corrected copy went; in a dry run, would go. */
  readonly to: Target;
  /** Absent in a dry run. */
  readonly published?: Published;
  /** False in a dry run, and where somebody else redrove or removed the failure meanwhile. */
  readonly removed: boolean;
}

export interface EditAdmin {
  /**
   * Publishes a corrected copy of a failure to where it came from, and removes the failure. The copy
   * has an id of its own, says what it `corrects`, and keeps correlation, time and actor, and its key
   * where the payload does not tell it; it comes after what waits behind the failure. The answer to a
   * corrected command is the answer to the one that failed, so a saga's step or an ask goes on with it.
   * The copy is durable before the failure goes, so a crash between leaves both. Throws as `publish` and `discard` do, and BAD_ARGUMENT for a message that
   * came from no stream or queue: a timer, or an event of the service's own store.
   */
  editFailure(ref: string, edit: FailureEdit, options?: RepairOptions): Promise<Edited>;
}
