/** Addresses for looking after the disk: backups and verification run as jobs. */

import type { Hono } from "hono";
import type { DoorRoom } from "../door-room.ts";
import { readJsonObject } from "../request/body.ts";
import { fieldsOf } from "../request/fields.ts";
import { readQuery } from "../request/query.ts";

export function addUpkeepRoutes(app: Hono, room: DoorRoom): void {
  const { bodyBytesMax } = room.limits;

  app.post("/backups", async (c) => {
    readQuery(c, []);
    const fields = fieldsOf(await readJsonObject(c, bodyBytesMax), ["target", "by"]);
    const by = fields.text("by");
    const who = by === undefined ? {} : { by };
    return c.json(await room.adminFor(c).backup(fields.requiredText("target"), who), 202);
  });

  app.post("/logs/verify", async (c) => {
    readQuery(c, []);
    const fields = fieldsOf(await readJsonObject(c, bodyBytesMax), ["stream", "by"]);
    const stream = fields.text("stream");
    const by = fields.text("by");
    const options = { ...(stream !== undefined && { stream }), ...(by !== undefined && { by }) };
    return c.json(await room.adminFor(c).verifyLogs(options), 202);
  });

  app.get("/disk", async (c) => {
    readQuery(c, []);
    return c.json(await room.adminFor(c).diskUse());
  });
}
