/** The admin API as the door's routes and its client have it: whole. */

import type { Admin } from "../admin/admin.ts";
import type { WholeAdmin } from "../admin/api/whole-admin.ts";
import { MillraceError } from "../model/errors.ts";

export type DoorAdmin = WholeAdmin;

/** An admin API that lacks topics answers theirs with CAPABILITY_MISSING. */
export function completeAdmin(admin: Admin): DoorAdmin {
  const missing = (name: string) => async (): Promise<never> => {
    throw new MillraceError(
      "CAPABILITY_MISSING",
      `this process cannot do ${name}: its admin API lacks it`,
      { details: { capability: name } },
    );
  };
  return {
    ask: missing("ask"),
    send: missing("send"),
    editFailure: missing("editFailure"),
    flow: missing("flow"),
    pausePart: missing("pausePart"),
    resumePart: missing("resumePart"),
    listPauses: missing("listPauses"),
    planReplay: missing("planReplay"),
    runReplay: missing("runReplay"),
    listJobs: missing("listJobs"),
    showJob: missing("showJob"),
    cancelJob: missing("cancelJob"),
    listSagas: missing("listSagas"),
    showSaga: missing("showSaga"),
    retrySaga: missing("retrySaga"),
    stateOf: missing("stateOf"),
    listViews: missing("listViews"),
    rebuildView: missing("rebuildView"),
    swapView: missing("swapView"),
    dropView: missing("dropView"),
    ...admin,
  };
}
