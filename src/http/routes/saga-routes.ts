/** Addresses for sagas: their instances, one of them, and trying a stuck one again. */

import type { Hono } from "hono";
import type { SagaStatus } from "../../admin/api/saga-admin.ts";
import type { DoorRoom } from "../door-room.ts";
import { JSON_TYPE } from "../media-types.ts";
import { readJsonObject } from "../request/body.ts";
import { fieldsOf, repairOptions } from "../request/fields.ts";
import { badArgument, readQuery } from "../request/query.ts";
import { writeState } from "../shown-json.ts";

const STATUSES: readonly SagaStatus[] = ["active", "compensating", "ended", "stuck"];

export function addSagaRoutes(app: Hono, room: DoorRoom): void {
  app.get("/sagas", async (c) => {
    const query = readQuery(c, ["saga", "status", "limit", "after"]);
    const saga = query.text("saga");
    const status = statusOf(query.text("status"));
    const limit = query.wholeNumber("limit", { max: room.limits.pageCountMax });
    const after = query.text("after");
    return c.json(
      await room.adminFor(c).listSagas({
        ...(saga !== undefined && { saga }),
        ...(status !== undefined && { status }),
        ...(limit !== undefined && { limit }),
        ...(after !== undefined && { after }),
      }),
    );
  });

  // An instance's id may be any text, also one that a path cannot hold.
  app.get("/sagas/:saga", async (c) => {
    const instance = readQuery(c, ["instance"]).required("instance");
    const shown = await room.adminFor(c).showSaga(c.req.param("saga"), instance);
    return c.body(writeState(shown), 200, { "Content-Type": JSON_TYPE });
  });

  app.post("/sagas/:saga/retry", async (c) => {
    readQuery(c, []);
    const body = await readJsonObject(c, room.limits.bodyBytesMax);
    const fields = fieldsOf(body, ["instance", "dryRun", "by"]);
    const instance = fields.requiredText("instance");
    const options = repairOptions(fields);
    return c.json(await room.adminFor(c).retrySaga(c.req.param("saga"), instance, options));
  });
}

function statusOf(text: string | undefined): SagaStatus | undefined {
  if (text === undefined) return undefined;
  const status = STATUSES.find((one) => one === text);
  if (status === undefined) throw badArgument("status", `status must be ${STATUSES.join(", ")}`);
  return status;
}
