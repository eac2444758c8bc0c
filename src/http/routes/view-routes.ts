/** Addresses for queries: a view's document by id, and documents by their indexed fields. */

import type { Hono } from "hono";
import { MillraceError } from "../../model/errors.ts";
import type { Comparison, DocumentQuery } from "../../store/store.ts";
import type { DoorRoom } from "../door.ts";
import { badArgument, readQuery } from "../request/query.ts";
import { writeShown, writeShownList } from "../shown-json.ts";

const JSON_BODY = { "Content-Type": "application/json" };

export function addViewRoutes(app: Hono, { admin }: DoorRoom): void {
  app.get("/views/:view", async (c) => {
    const query = readQuery(c, ["where", "order", "limit", "after"]);
    const where = query.text("where");
    const order = query.text("order");
    const after = query.text("after");
    const limit = query.wholeNumber("limit");
    const { documents, next } = await admin.find(c.req.param("view"), {
      ...(limit !== undefined && { limit }),
      ...(where !== undefined && { where: parseWhere(where) }),
      ...(order !== undefined && { order }),
      ...(after !== undefined && { after }),
    });
    const more = next === undefined ? {} : { next };
    return c.body(writeShownList("documents", documents, more), 200, JSON_BODY);
  });

  app.get("/views/:view/:id", async (c) => {
    readQuery(c, []);
    const { view, id } = c.req.param();
    const document = await admin.get(view, id);
    if (document === undefined) {
      throw new MillraceError(
        "NOT_FOUND",
        `the view ${view} has no document ${JSON.stringify(id.slice(0, 100))}`,
        {
          details: { view, id },
        },
      );
    }
    return c.body(writeShown(document), 200, JSON_BODY);
  });
}

type Where = NonNullable<DocumentQuery["where"]>;

/** Conditions as JSON: `{"status":"open","total":{"gte":5}}`. */
function parseWhere(text: string): Where {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw badWhere();
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw badWhere();
  return Object.fromEntries(
    Object.entries(value).map(([field, condition]) => {
      if (!isComparison(condition)) throw badWhere();
      return [field, condition];
    }),
  );
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

function badWhere(): MillraceError {
  return badArgument(
    "where",
    'where must be JSON of indexed fields, as in {"status":"open","total":{"gte":5},"place":{"in":["a","b"]}}',
  );
}
