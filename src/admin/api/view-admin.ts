/** The generations of views: which one answers, which is being built, which may go. */

import type { RepairOptions } from "../admin.ts";

export interface ViewGeneration {
  readonly service: string;
  readonly view: string;
  /** `v2`, or `v2.r1` after a rebuild: names it in `swapView` and `dropView`. */
  readonly generation: string;
  /**
   * `live` answers reads; `building` has not caught up; `ready` has, and waits for its swap; `old` is
   * folded no more and stays until it is dropped; `dropping` is being removed.
   */
  readonly state: "live" | "building" | "ready" | "old" | "dropping";
  readonly documents: number;
  /** A person has stopped its building. */
  readonly paused: boolean;
  /** Messages that it has still to fold; absent where it is not at work. */
  readonly lag?: number;
  readonly parked?: number;
  /** Why it does not take over by itself, where it does not. */
  readonly heldBy?: string;
}

export interface ViewAdmin {
  /** By service, view and age. */
  listViews(): Promise<readonly ViewGeneration[]>;
  /**
   * Builds a view anew beside the one that answers; it takes over when it has caught up, or by
   * `swapView` where the view declares so. Throws UNKNOWN_VIEW, CONFLICT while another one builds.
   */
  rebuildView(view: string, options?: RepairOptions): Promise<ViewGeneration>;
  /**
   * Lets another generation answer: the one that is ready, unless one is named. Throws UNKNOWN_VIEW,
   * BAD_ARGUMENT where it is not there, CONFLICT where it is not caught up.
   */
  swapView(
    view: string,
    options?: RepairOptions & { readonly generation?: string },
  ): Promise<ViewGeneration>;
  /** Removes a generation that does not answer, with its documents. Throws as `swapView` does. */
  dropView(view: string, generation: string, options?: RepairOptions): Promise<ViewGeneration>;
}
