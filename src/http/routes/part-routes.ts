/** Addresses for parts at work: stopping and resuming one, and the generations of views. */

import type { Hono } from "hono";
import type { DoorRoom } from "../door-room.ts";
import { readJsonObject } from "../request/body.ts";
import { fieldsOf, repairOptions } from "../request/fields.ts";
import { readQuery } from "../request/query.ts";

export function addPartRoutes(app: Hono, room: DoorRoom): void {
  const { bodyBytesMax } = room.limits;

  app.get("/pauses", async (c) => {
    readQuery(c, []);
    return c.json({ pauses: await room.adminFor(c).listPauses() });
  });

  app.post("/parts/:part/pause", async (c) => {
    readQuery(c, []);
    const fields = fieldsOf(await readJsonObject(c, bodyBytesMax), ["why", "dryRun", "by"]);
    const why = fields.text("why");
    const options = { ...repairOptions(fields), ...(why !== undefined && { why }) };
    return c.json(await room.adminFor(c).pausePart(c.req.param("part"), options));
  });

  app.post("/parts/:part/resume", async (c) => {
    readQuery(c, []);
    const fields = fieldsOf(await readJsonObject(c, bodyBytesMax), ["dryRun", "by"]);
    return c.json(await room.adminFor(c).resumePart(c.req.param("part"), repairOptions(fields)));
  });

  app.get("/views", async (c) => {
    readQuery(c, []);
    return c.json({ views: await room.adminFor(c).listViews() });
  });

  app.post("/views/:view/rebuild", async (c) => {
    readQuery(c, []);
    const fields = fieldsOf(await readJsonObject(c, bodyBytesMax), ["dryRun", "by"]);
    return c.json(await room.adminFor(c).rebuildView(c.req.param("view"), repairOptions(fields)));
  });

  app.post("/views/:view/swap", async (c) => {
    readQuery(c, []);
    const fields = fieldsOf(await readJsonObject(c, bodyBytesMax), ["generation", "dryRun", "by"]);
    const generation = fields.text("generation");
    const named = generation === undefined ? {} : { generation };
    const options = { ...repairOptions(fields), ...named };
    return c.json(await room.adminFor(c).swapView(c.req.param("view"), options));
  });

  app.post("/views/:view/drop", async (c) => {
    readQuery(c, []);
    const fields = fieldsOf(await readJsonObject(c, bodyBytesMax), ["generation", "dryRun", "by"]);
    const generation = fields.requiredText("generation");
    const options = repairOptions(fields);
    return c.json(await room.adminFor(c).dropView(c.req.param("view"), generation, options));
  });
}
