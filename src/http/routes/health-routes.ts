/** Addresses for what watches the process: liveness, readiness and metrics. */

import type { Hono } from "hono";
import type { DoorRoom } from "../door-room.ts";
import { collectMetrics } from "../metrics/collect.ts";
import { EXPOSITION_TYPE, writeExposition } from "../metrics/exposition.ts";
import { reasonsNotReady } from "../readiness.ts";
import { readQuery } from "../request/query.ts";

/** These are no secret and need no token; they tell no more than they must without one. */
export const OPEN_ADDRESSES: ReadonlySet<string> = new Set(["/healthz", "/readyz", "/style.css"]);

export function addHealthRoutes(app: Hono, room: DoorRoom): void {
  app.get("/healthz", (c) => {
    readQuery(c, []);
    return c.json({ status: "ok" });
  });

  app.get("/readyz", async (c) => {
    readQuery(c, []);
    const { services } = await room.admin.describe();
    const reasons = reasonsNotReady(services);
    if (reasons.length === 0) return c.json({ status: "ready" });
    // Names and failures of parts are for those who may see them.
    const told =
      room.principalOf(c) === undefined
        ? { count: reasons.length }
        : { reasons: reasonsNotReady((await room.adminFor(c).describe()).services) };
    return c.json({ status: "not ready", ...told }, 503);
  });

  app.get("/metrics", async (c) => {
    readQuery(c, []);
    const admin = room.adminFor(c);
    const [description, lag] = await Promise.all([admin.describe(), admin.lag()]);
    const families = collectMetrics({
      description,
      lag,
      process: room.processFacts?.(),
      nowMs: room.nowMs(),
    });
    const text = writeExposition([...families, room.histogram.family()]);
    return c.body(text, 200, { "Content-Type": EXPOSITION_TYPE });
  });
}
