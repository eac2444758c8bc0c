/**
 * `POST /events`: one CloudEvent (binary or structured), a batch of them, or lines of plain JSON.
 *
 * One event: 201 and what became of it, or the error. Several: an outcome for each in their order,
 * with 200 if all are durable and 207 if some were refused; the others are published all the same.
 */

import type { Context, Hono } from "hono";
import type { Published, PublishRequest, Target } from "../../admin/admin.ts";
import { readBinary, readStructured } from "../../codecs/cloudevents-http.ts";
import { elementsOf, parseJson } from "../../codecs/json-text.ts";
import { isMillraceError, MillraceError } from "../../model/errors.ts";
import type { Outcome } from "../../model/outcome.ts";
import { encodeToken } from "../../service/ask/position-token.ts";
import type { DoorRoom } from "../door-room.ts";
import type { DoorLimits } from "../limits.ts";
import { BATCH_TYPE, LINES_TYPE, STRUCTURED_TYPE } from "../media-types.ts";
import { readPublishLine } from "../publish-line.ts";
import { mediaTypeOf, readText, unsupported } from "../request/body.ts";
import { badArgument, readQuery } from "../request/query.ts";
import { traceOf, tracedRequest } from "../traced-request.ts";
import { TOKEN_HEADER } from "./view-routes.ts";

export function addPublishRoutes(app: Hono, room: DoorRoom): void {
  app.post("/events", async (c) => {
    const to = targetOf(readQuery(c, ["to"]).text("to"));
    const nowMs = room.nowMs();
    const { essence } = mediaTypeOf(c);
    const binary = c.req.header("ce-specversion") !== undefined;
    if (!binary && ![STRUCTURED_TYPE, BATCH_TYPE, LINES_TYPE].includes(essence))
      throw wrongType(essence);

    const text = await readText(c, room.limits.bodyBytesMax);
    if (binary) {
      const contentType = c.req.header("content-type") ?? "";
      const event = readBinary(c.req.header(), contentType, text, { nowMs });
      return publishOne(c, room, withTarget(event, to));
    }
    if (essence === STRUCTURED_TYPE) {
      return publishOne(c, room, withTarget(readStructured(text, { nowMs }), to));
    }
    if (essence === LINES_TYPE) {
      const lines = text.split("\n").filter((line) => line.trim() !== "");
      return publishMany(c, room, lines, (line) => withTarget(readPublishLine(line), to));
    }
    const batch = parseJson(text);
    if (!Array.isArray(batch)) {
      throw new MillraceError("BAD_REQUEST", "a batch of CloudEvents is a JSON array");
    }
    checkCount(batch.length, room.limits);
    return publishMany(c, room, elementsOf(text), (item) =>
      withTarget(readStructured(item, { nowMs }), to),
    );
  });
}

async function publishOne(c: Context, room: DoorRoom, request: PublishRequest): Promise<Response> {
  const published = await tracedRequest(room, c, "publish", request, async (traced) => {
    const [outcome] = await room.adminFor(c).publish([traced]);
    if (outcome?.ok !== true) throw outcome?.error ?? new Error("publish gave no outcome");
    return outcome.value;
  });
  const token = tokenOf(published);
  if (token !== undefined) c.header(TOKEN_HEADER, token);
  return c.json(published, 201);
}

/** With it, a read of a view sees the event. A queue has no such place: ask, and take the answer's. */
function tokenOf({ target, partition, offset }: Published): string | undefined {
  if (partition === undefined || offset === undefined) return undefined;
  return encodeToken([{ kind: "record", stream: target.name, partition, offset }]);
}

async function publishMany(
  c: Context,
  room: DoorRoom,
  texts: readonly string[],
  read: (text: string) => PublishRequest,
): Promise<Response> {
  checkCount(texts.length, room.limits);
  const requests = texts.map((text) => outcomeOf(() => read(text)));
  const trace = traceOf(c);
  const good = requests.flatMap((item) =>
    item.ok ? [trace === undefined ? item.value : { trace, ...item.value }] : [],
  );
  const published = await room.adminFor(c).publish(good);
  const next = published.values();
  const outcomes = requests.map((item): Outcome<Published> =>
    item.ok ? next.next().value! : item,
  );
  const status = outcomes.every((outcome) => outcome.ok) ? 200 : 207;
  return c.json({ outcomes }, status);
}

function checkCount(count: number, { publishCountMax }: DoorLimits): void {
  if (count <= publishCountMax) return;
  throw new MillraceError(
    "TOO_LARGE",
    `${count} messages are over ${publishCountMax}, the most of one request; send several requests`,
    { details: { limit: publishCountMax } },
  );
}

function outcomeOf(read: () => PublishRequest): Outcome<PublishRequest> {
  try {
    return { ok: true, value: read() };
  } catch (error) {
    if (isMillraceError(error)) return { ok: false, error };
    throw error;
  }
}

function withTarget(request: PublishRequest, to: Target | undefined): PublishRequest {
  return to === undefined || request.to !== undefined ? request : { ...request, to };
}

/** `stream:orders` or `queue:order-desk`. */
function targetOf(text: string | undefined): Target | undefined {
  if (text === undefined) return undefined;
  const [, kind, name] = /^(stream|queue):(.+)$/.exec(text) ?? [];
  if ((kind !== "stream" && kind !== "queue") || name === undefined) {
    throw badArgument("to", "to must be stream:NAME or queue:NAME");
  }
  return { kind, name };
}

function wrongType(essence: string): MillraceError {
  return unsupported(
    `${essence === "" ? "the body has no Content-Type" : `${JSON.stringify(essence.slice(0, 100))} is not taken here`}; ` +
      `send ${STRUCTURED_TYPE}, ${BATCH_TYPE}, ${LINES_TYPE}, or application/json with the ce- headers of binary mode`,
  );
}
