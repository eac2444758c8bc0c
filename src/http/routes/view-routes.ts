/**
 * Addresses for queries: a view's document by id, and documents by their indexed fields. `notBefore`,
 * or the header that writes answer with, makes a read wait until the view has seen that write.
 */

import type { Context, Hono } from "hono";
import type { ReadOptions } from "../../admin/admin.ts";
import { parseExactly } from "../../codecs/json-parser.ts";
import { isMillraceError, MillraceError } from "../../model/errors.ts";
import type { Comparison, DocumentQuery } from "../../store/store.ts";
import type { DoorRoom } from "../door-room.ts";
import { JSON_TYPE } from "../media-types.ts";
import { deadlineOf } from "../request/deadline.ts";
import { badArgument, readQuery, type Query } from "../request/query.ts";
import { writeShown, writeShownList } from "../shown-json.ts";

/** Carries a position token: out of a write, and into a read that must see it. */
export const TOKEN_HEADER = "Millrace-Token";

const JSON_BODY = { "Content-Type": JSON_TYPE };
const FRESHNESS = ["notBefore", "deadline"];
const DEADLINE_MS_MAX = 60_000;
/** Conditions, one of them, and its list. */
const WHERE_DEPTH_MAX = 3;

export function addViewRoutes(app: Hono, room: DoorRoom): void {
  app.get("/views/:view", async (c) => {
    if (c.req.query("id") !== undefined) {
      // An id may be any text, also one that a path cannot hold.
      const query = readQuery(c, ["id", ...FRESHNESS]);
      return sendDocument(c, room, query.required("id"), query);
    }
    const query = readQuery(c, ["id", "where", "order", "limit", "after", ...FRESHNESS]);
    const where = query.text("where");
    const order = query.text("order");
    const after = query.text("after");
    const limit = query.wholeNumber("limit");
    const asked = {
      ...(limit !== undefined && { limit }),
      ...(where !== undefined && { where: parseWhere(where) }),
      ...(order !== undefined && { order }),
      ...(after !== undefined && { after }),
    };
    const admin = room.adminFor(c);
    const { documents, next } = await admin.find(c.req.param("view"), asked, freshness(c, query));
    const more = next === undefined ? {} : { next };
    return c.body(writeShownList("documents", documents, more), 200, JSON_BODY);
  });

  app.get("/views/:view/:id", (c) =>
    sendDocument(c, room, c.req.param("id"), readQuery(c, FRESHNESS)),
  );
}

async function sendDocument(
  c: Context,
  room: DoorRoom,
  id: string,
  query: Query,
): Promise<Response> {
  const view = c.req.param("view") ?? "";
  const document = await room.adminFor(c).get(view, id, freshness(c, query));
  if (document !== undefined) return c.body(writeShown(document), 200, JSON_BODY);
  throw new MillraceError(
    "NOT_FOUND",
    `the view ${view} has no document ${JSON.stringify(id.slice(0, 100))}`,
    { details: { view, id } },
  );
}

function freshness(c: Context, query: Query): ReadOptions {
  const notBefore = query.text("notBefore") ?? c.req.header(TOKEN_HEADER);
  const deadline = query.text("deadline");
  return {
    ...(notBefore !== undefined && { notBefore }),
    ...(deadline !== undefined && { deadlineMs: deadlineOf(deadline, { max: DEADLINE_MS_MAX }) }),
  };
}

type Where = NonNullable<DocumentQuery["where"]>;

/** Conditions as JSON: `{"status":"open","total":{"gte":5}}`. */
function parseWhere(text: string): Where {
  const value = whereValue(text);
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw badWhere();
  return Object.fromEntries(
    Object.entries(value).map(([field, condition]) => {
      if (!isComparison(condition)) throw badWhere();
      return [field, condition];
    }),
  );
}

/** Exactly: a number that lost its digits would find the documents of another. */
function whereValue(text: string): unknown {
  try {
    return parseExactly(text, { numbers: undefined, depthMax: WHERE_DEPTH_MAX });
  } catch (error) {
    if (!isMillraceError(error, "BAD_JSON")) throw error;
    throw badWhere(error.message);
  }
}

const BOUNDS = ["gte", "gt", "lte", "lt"];

function isComparison(value: unknown): value is Comparison {
  if (isIndexValue(value)) return true;
  if (typeof value !== "object" || Array.isArray(value) || value === null) return false;
  if ("in" in value) {
    return (
      Object.keys(value).length === 1 && Array.isArray(value.in) && value.in.every(isIndexValue)
    );
  }
  const bounds = Object.entries(value);
  return (
    bounds.length > 0 &&
    bounds.every(
      ([name, bound]) => BOUNDS.includes(name) && ["string", "number"].includes(typeof bound),
    )
  );
}

function isIndexValue(value: unknown): boolean {
  return value === null || ["string", "number", "boolean"].includes(typeof value);
}

function badWhere(why?: string): MillraceError {
  return badArgument(
    "where",
    `where must be JSON of indexed fields, as in {"status":"open","total":{"gte":5},"place":{"in":["a","b"]}}${why === undefined ? "" : `: ${why}`}`,
  );
}
