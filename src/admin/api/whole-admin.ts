/** All topics of the admin API together. */

import type { Admin } from "../admin.ts";
import type { CommandAdmin } from "./command-admin.ts";
import type { EditAdmin } from "./edit-admin.ts";
import type { FlowAdmin } from "./flow-admin.ts";
import type { PauseAdmin } from "./pause-admin.ts";
import type { ReplayAdmin } from "./replay-admin.ts";
import type { SagaAdmin } from "./saga-admin.ts";
import type { StateAdmin } from "./state-admin.ts";
import type { ViewAdmin } from "./view-admin.ts";

export interface WholeAdmin
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
