/** `GET /`: the page of the printed address, and its style. */

import type { Hono } from "hono";
import type { DoorRoom } from "../door-room.ts";
import { countsOf, writePage } from "../page/page.ts";
import { RateMeter } from "../page/rates.ts";
import { STYLE } from "../page/style.ts";
import { readQuery } from "../request/query.ts";

export function addPageRoutes(app: Hono, room: DoorRoom): void {
  const meter = new RateMeter();

  app.get("/", async (c) => {
    readQuery(c, []);
    const admin = room.adminFor(c);
    const [description, lag] = await Promise.all([admin.describe(), admin.lag()]);
    const rates = meter.rates(countsOf(description), room.clock.monotonic());
    const { origin } = new URL(c.req.url);
    return c.html(
      writePage({
        description,
        lag,
        rates,
        registry: room.registryFor(c),
        origin,
        path: room.path,
      }),
    );
  });

  app.get("/style.css", (c) => c.body(STYLE, 200, { "Content-Type": "text/css; charset=utf-8" }));
}
