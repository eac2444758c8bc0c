/** Addresses for replays, and for the jobs in which they run. */

import type { Hono } from "hono";
import type { ReplayMode, ReplayRequest } from "../../admin/api/replay-admin.ts";
import type { DoorRoom } from "../door-room.ts";
import { readJsonObject } from "../request/body.ts";
import { fieldsOf, repairOptions, type Fields } from "../request/fields.ts";
import { badArgument, readQuery } from "../request/query.ts";

const FIELDS = ["part", "stream", "partition", "from", "to", "mode", "resume"];
const MODES: readonly ReplayMode[] = ["rebuild", "redo"];

export function addReplayRoutes(app: Hono, room: DoorRoom): void {
  const { bodyBytesMax } = room.limits;

  app.post("/replays/plan", async (c) => {
    readQuery(c, []);
    const fields = fieldsOf(await readJsonObject(c, bodyBytesMax), FIELDS);
    return c.json(await room.adminFor(c).planReplay(requestOf(fields)));
  });

  app.post("/replays", async (c) => {
    readQuery(c, []);
    const fields = fieldsOf(await readJsonObject(c, bodyBytesMax), [...FIELDS, "by"]);
    const { by } = repairOptions(fields);
    const who = by === undefined ? {} : { by };
    return c.json(await room.adminFor(c).runReplay(requestOf(fields), who), 202);
  });

  app.get("/jobs", async (c) => {
    readQuery(c, []);
    return c.json({ jobs: await room.adminFor(c).listJobs() });
  });

  app.get("/jobs/:id", async (c) => {
    readQuery(c, []);
    return c.json(await room.adminFor(c).showJob(c.req.param("id")));
  });

  app.post("/jobs/:id/cancel", async (c) => {
    readQuery(c, []);
    const { by } = repairOptions(fieldsOf(await readJsonObject(c, bodyBytesMax), ["by"]));
    const who = by === undefined ? {} : { by };
    return c.json(await room.adminFor(c).cancelJob(c.req.param("id"), who));
  });
}

function requestOf(fields: Fields): ReplayRequest {
  const stream = fields.text("stream");
  const partition = fields.wholeNumber("partition");
  const to = fields.text("to");
  const resume = fields.text("resume");
  const mode = MODES.find((one) => one === fields.requiredText("mode"));
  if (mode === undefined) throw badArgument("mode", `mode must be ${MODES.join(", ")}`);
  return {
    part: fields.requiredText("part"),
    from: fields.requiredText("from"),
    mode,
    ...(stream !== undefined && { stream }),
    ...(partition !== undefined && { partition }),
    ...(to !== undefined && { to }),
    ...(resume !== undefined && { resume }),
  };
}
