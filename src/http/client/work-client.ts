/** What repairs work under way, through the door: edits, pauses, replays, sagas, generations of views. */

import type { EditAdmin } from "../../admin/api/edit-admin.ts";
import type { PauseAdmin } from "../../admin/api/pause-admin.ts";
import type { ReplayAdmin } from "../../admin/api/replay-admin.ts";
import type { SagaAdmin } from "../../admin/api/saga-admin.ts";
import type { UpkeepAdmin } from "../../admin/api/upkeep-admin.ts";
import type { ViewAdmin } from "../../admin/api/view-admin.ts";
import { withMember } from "../../codecs/json-text.ts";
import { MillraceError } from "../../model/errors.ts";
import { JSON_TYPE } from "../media-types.ts";
import { readShown } from "../shown-json.ts";
import { parse } from "./reading.ts";
import { segment, type DoorRequests } from "./requests.ts";

type WorkAdmin = EditAdmin & PauseAdmin & ReplayAdmin & SagaAdmin & UpkeepAdmin & ViewAdmin;

export function workClient(door: DoorRequests): WorkAdmin {
  const post = async (path: string, fields: object): Promise<any> =>
    parse(await door.post(path, JSON.stringify(fields), JSON_TYPE));
  const saga = (name: string): string => `/sagas/${segment(name)}`;
  const view = (name: string): string => `/views/${segment(name)}`;
  const part = (name: string): string => `/parts/${segment(name)}`;

  return {
    editFailure: async (ref, { dataJson, ...edit }, options) => {
      // It goes as it is, or not at all: the door could not tell where bad JSON ends.
      refuseBadJson(dataJson);
      const body = withMember({ ...edit, ...options }, "data", dataJson);
      return parse(await door.post(`/failures/${segment(ref)}/edit`, body, JSON_TYPE));
    },

    pausePart: (name, options = {}) => post(`${part(name)}/pause`, options),
    resumePart: (name, options = {}) => post(`${part(name)}/resume`, options),
    listPauses: async () => parse(await door.get("/pauses")).pauses,

    planReplay: (request) => post("/replays/plan", request),
    runReplay: (request, options) => post("/replays", { ...request, ...options }),
    listJobs: async () => parse(await door.get("/jobs")).jobs,
    showJob: async (id) => parse(await door.get(`/jobs/${segment(id)}`)),
    cancelJob: (id, options = {}) => post(`/jobs/${segment(id)}/cancel`, options),

    backup: (target, options) => post("/backups", { target, ...options }),
    verifyLogs: (options = {}) => post("/logs/verify", options),
    diskUse: async () => parse(await door.get("/disk")),

    listSagas: async (filter = {}) => parse(await door.get("/sagas", { ...filter })),
    showSaga: async (name, instance) =>
      readShown(await door.get(saga(name), { instance }), "state"),
    retrySaga: (name, instance, options) => post(`${saga(name)}/retry`, { instance, ...options }),

    listViews: async () => parse(await door.get("/views")).views,
    rebuildView: (name, options = {}) => post(`${view(name)}/rebuild`, options),
    swapView: (name, options = {}) => post(`${view(name)}/swap`, options),
    dropView: (name, generation, options) => post(`${view(name)}/drop`, { generation, ...options }),
  };
}

function refuseBadJson(dataJson: string): void {
  try {
    JSON.parse(dataJson);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.slice(0, 200) : "";
    throw new MillraceError("BAD_JSON", `the corrected payload is not JSON: ${reason}`, { cause });
  }
}
