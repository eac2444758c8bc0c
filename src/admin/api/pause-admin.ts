/** Parts that a person has stopped. */

import type { RepairOptions } from "../admin.ts";

export interface Pause {
  /** `service.part`. */
  readonly part: string;
  readonly by: string;
  readonly sinceMs: number;
  readonly why?: string;
}

export interface PauseAdmin {
  /**
   * Stops a part: it finishes what it has begun, takes nothing new, and stays paused across restarts
   * until somebody resumes it. False where it was paused before. Throws BAD_ARGUMENT for an unknown part.
   */
  pausePart(
    part: string,
    options?: RepairOptions & { readonly why?: string },
  ): Promise<{ readonly changed: boolean }>;
  /** Lets it go on from where it was. False where it was not paused. */
  resumePart(part: string, options?: RepairOptions): Promise<{ readonly changed: boolean }>;
  /** By part. */
  listPauses(): Promise<readonly Pause[]>;
}
