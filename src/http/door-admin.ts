/** All topics of the admin API, as the door's routes and its client have them. */

import type { Admin } from "../admin/admin.ts";
import type { CommandAdmin } from "../admin/api/command-admin.ts";
import type { EditAdmin } from "../admin/api/edit-admin.ts";
import type { FlowAdmin } from "../admin/api/flow-admin.ts";
import type { PauseAdmin } from "../admin/api/pause-admin.ts";
import type { ReplayAdmin } from "../admin/api/replay-admin.ts";
import type { SagaAdmin } from "../admin/api/saga-admin.ts";
import type { StateAdmin } from "../admin/api/state-admin.ts";
import type { ViewAdmin } from "../admin/api/view-admin.ts";
import { MillraceError } from "../model/errors.ts";

export interface DoorAdmin
  extends
    Admin,
    CommandAdmin,
    EditAdmin,
    FlowAdmin,
    PauseAdmin,
    ReplayAdmin,
    SagaAdmin,
    StateAdmin,
    ViewAdmin {}

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
