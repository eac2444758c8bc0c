/** Addresses for repairing: moving a group or part, and failures. Every change can be tried dry. */

import type { Context, Hono } from "hono";
import type { Admin, FailureFilter, RepairOptions } from "../../admin/admin.ts";
import type { FailureEdit } from "../../admin/api/edit-admin.ts";
import { membersOf } from "../../codecs/json-text.ts";
import { MillraceError } from "../../model/errors.ts";
import type { DoorRoom } from "../door-room.ts";
import { fieldsOf, repairOptions, type Fields } from "../request/fields.ts";
import { objectOf, readJsonObject, readJsonText } from "../request/body.ts";
import { badArgument, readQuery } from "../request/query.ts";
import { writeShown, writeShownList } from "../shown-json.ts";

const JSON_BODY = { "Content-Type": "application/json" };

export function addRepairRoutes(app: Hono, room: DoorRoom): void {
  const { limits } = room;

  app.post("/groups/:group/seek", async (c) => {
    readQuery(c, []);
    const fields = fieldsOf(await readJsonObject(c, limits.bodyBytesMax), [
      "stream",
      "partition",
      "to",
      "dryRun",
      "by",
    ]);
    const partition = fields.wholeNumber("partition");
    const moved = await room.adminFor(c).seek({
      group: c.req.param("group"),
      stream: fields.requiredText("stream"),
      to: fields.requiredText("to"),
      ...repairOptions(fields),
      ...(partition !== undefined && { partition }),
    });
    return c.json({ moved });
  });

  app.get("/failures", async (c) => {
    const query = readQuery(c, ["queue", "part", "limit", "after"]);
    const after = query.text("after");
    const limit = query.wholeNumber("limit");
    const failures = await room.adminFor(c).listFailures({
      ...filterOf(query.text("queue"), query.text("part")),
      ...(after !== undefined && { after }),
      ...(limit !== undefined && { limit }),
    });
    return c.body(writeShownList("failures", failures), 200, JSON_BODY);
  });

  app.get("/failures/:ref", async (c) => {
    readQuery(c, []);
    return c.body(
      writeShown(await room.adminFor(c).showFailure(c.req.param("ref"))),
      200,
      JSON_BODY,
    );
  });

  app.post("/failures/:ref/edit", async (c) => {
    readQuery(c, []);
    const { dryRun, by, ...edit } = await readEdit(c, limits.bodyBytesMax);
    const options = { ...(dryRun === true && { dryRun }), ...(by !== undefined && { by }) };
    return c.json(await room.adminFor(c).editFailure(c.req.param("ref"), edit, options));
  });

  for (const action of ["redrive", "discard"] as const) {
    app.post(`/failures/${action}`, async (c) => {
      readQuery(c, []);
      const fields = fieldsOf(await readJsonObject(c, limits.bodyBytesMax), [
        "refs",
        "queue",
        "part",
        "all",
        "dryRun",
        "by",
      ]);
      return c.json(await room.adminFor(c)[action](chosenBy(fields), repairOptions(fields)));
    });
  }
}

async function readEdit(c: Context, bytesMax: number): Promise<FailureEdit & RepairOptions> {
  const text = await readJsonText(c, bytesMax);
  const fields = fieldsOf(objectOf(text), ["data", "type", "version", "dryRun", "by"]);
  const dataJson = membersOf(text).get("data");
  if (dataJson === undefined)
    throw badArgument("data", "data is missing; send the corrected payload");
  const type = fields.text("type");
  const version = fields.wholeNumber("version");
  return {
    dataJson,
    ...(type !== undefined && { type }),
    ...(version !== undefined && { version }),
    ...repairOptions(fields),
  };
}

/** An empty body must not mean "everything": that is said by `"all": true`. */
function chosenBy(fields: Fields): Parameters<Admin["redrive"]>[0] {
  const refs = fields.texts("refs");
  const filter = filterOf(fields.text("queue"), fields.text("part"));
  const all = fields.flag("all");
  const ways = [refs !== undefined, Object.keys(filter).length > 0, all].filter(Boolean).length;
  if (ways !== 1) {
    throw new MillraceError(
      "BAD_ARGUMENT",
      'name the failures in one way: {"refs":["q:order-desk:17"]}, {"queue":"order-desk"}, ' +
        '{"part":"shop.refunds"} or {"all":true}',
      { details: { argument: "refs" } },
    );
  }
  return refs ?? filter;
}

function filterOf(queue: string | undefined, part: string | undefined): FailureFilter {
  return { ...(queue !== undefined && { queue }), ...(part !== undefined && { part }) };
}
