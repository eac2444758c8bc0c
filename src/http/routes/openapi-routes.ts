/** `GET /openapi.json`: what this door can do, for tools. */

import type { Hono } from "hono";
import type { DoorRoom } from "../door-room.ts";
import { openApiDocument } from "../openapi/document.ts";
import { readQuery } from "../request/query.ts";

export function addOpenApiRoutes(app: Hono, room: DoorRoom): void {
  app.get("/openapi.json", async (c) => {
    readQuery(c, []);
    const { services } = await room.adminFor(c).describe();
    return c.json(openApiDocument({ registry: room.registryFor(c), services, path: room.path }));
  });
}
