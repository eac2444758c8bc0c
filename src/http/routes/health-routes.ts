/** Addresses for what watches the process: liveness, readiness and metrics. */

import type { Hono } from "hono";
import type { Admin } from "../../admin/admin.ts";
import { isMillraceError } from "../../model/errors.ts";
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
    const reasons = await reasonsOf(room.admin);
    if (reasons.length === 0) return c.json({ status: "ready" });
    // Names and failures of parts are for those who may see them.
    const told =
      room.principalOf(c) === undefined
        ? { count: reasons.length }
        : { reasons: await reasonsOf(room.adminFor(c)) };
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

/**
 * A store or a broker that cannot even be asked is a reason, too; its error may name what not everybody
 * who signs in may see.
 */
async function reasonsOf(admin: Admin): Promise<readonly string[]> {
  try {
    return reasonsNotReady((await admin.describe()).services);
  } catch (error) {
    if (!isMillraceError(error)) throw error;
    return [`a store or a broker cannot be asked (${error.code}); millrace describe tells why`];
  }
}
