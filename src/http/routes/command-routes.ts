/**
 * `POST /commands/{type}`: a command, asked or sent.
 *
 * The body is the payload, and what else is known comes by query and headers; or the body is one
 * CloudEvent, whose type may also stand alone in it (`POST /commands`). Asking answers with what became
 * of the command: 200 where it was done, 422 where it was refused. An answer in time is no promise that
 * one without did nothing: asked again with the same id, a command is answered, not done again.
 */

import type { Context, Hono } from "hono";
import type { AskOptions } from "../../admin/api/command-admin.ts";
import type { PublishRequest } from "../../admin/admin.ts";
import { readBinary, readStructured } from "../../codecs/cloudevents-http.ts";
import { MillraceError } from "../../model/errors.ts";
import type { DoorRoom } from "../door-room.ts";
import { mediaTypeOf, readText, unsupported } from "../request/body.ts";
import { deadlineOf } from "../request/deadline.ts";
import { badArgument, readQuery, type Query } from "../request/query.ts";
import { writeAnswer } from "../shown-json.ts";
import { JSON_TYPE, LINES_TYPE, STRUCTURED_TYPE } from "../media-types.ts";
import { readPublishLine } from "../publish-line.ts";
import { tracedRequest } from "../traced-request.ts";
import { TOKEN_HEADER } from "./view-routes.ts";

const PARAMETERS = ["deadline", "async", "id", "key", "actor", "correlation", "to"];
/** How long a caller may keep the door waiting: beyond it, send and look later. */
const DEADLINE_MS_MAX = 60_000;

export function addCommandRoutes(app: Hono, room: DoorRoom): void {
  app.post("/commands", (c) => answer(c, room, undefined));
  app.post("/commands/:type", (c) => answer(c, room, c.req.param("type")));
}

async function answer(c: Context, room: DoorRoom, type: string | undefined): Promise<Response> {
  const query = readQuery(c, PARAMETERS);
  const command = { kind: "command" as const, ...(await readCommand(c, room, query, type)) };
  const admin = room.adminFor(c);
  if (query.flag("async") || prefersAsync(c)) {
    const sent = await tracedRequest(room, c, "send", command, (traced) => admin.send(traced));
    return c.json(sent, 202);
  }
  const options: AskOptions = {
    deadlineMs: deadlineOf(query.text("deadline"), { max: DEADLINE_MS_MAX }),
    signal: AbortSignal.any([c.req.raw.signal, room.stopping]),
  };
  const answered = await tracedRequest(room, c, "ask", command, (traced) =>
    admin.ask(traced, options),
  );
  if (answered.ok) c.header(TOKEN_HEADER, answered.token);
  return c.body(writeAnswer(answered), answered.ok ? 200 : 422, { "Content-Type": JSON_TYPE });
}

/** RFC 7240. */
function prefersAsync(c: Context): boolean {
  return /(^|,)\s*respond-async\s*(,|;|$)/i.test(c.req.header("prefer") ?? "");
}

async function readCommand(
  c: Context,
  { limits, nowMs }: DoorRoom,
  query: Query,
  type: string | undefined,
): Promise<PublishRequest> {
  const { essence } = mediaTypeOf(c);
  const binary = c.req.header("ce-specversion") !== undefined;
  const taken =
    type === undefined ? [STRUCTURED_TYPE, LINES_TYPE] : [STRUCTURED_TYPE, LINES_TYPE, JSON_TYPE];
  if (!binary && !taken.includes(essence)) {
    throw unsupported(
      `${essence === "" ? "the body has no Content-Type" : `${JSON.stringify(essence.slice(0, 100))} is not taken here`}; ` +
        `send the payload as ${JSON_TYPE} to /commands/TYPE, or one CloudEvent (${STRUCTURED_TYPE}, or the ce- headers of binary mode), or one line of ${LINES_TYPE}`,
    );
  }
  const text = await readText(c, limits.bodyBytesMax);
  const given = fieldsOf(c, query);
  if (!binary && essence === JSON_TYPE) return { ...given, type: type!, dataJson: text };
  const event = readMessage(c, binary, text, nowMs());
  if (type !== undefined && event.type !== type) {
    throw new MillraceError(
      "BAD_ENVELOPE",
      `the command's type is ${JSON.stringify(event.type.slice(0, 100))}, and the address says ${JSON.stringify(type.slice(0, 100))}; use POST /commands, or let them agree`,
      { details: { field: "type" } },
    );
  }
  return { ...event, ...given };
}

function readMessage(c: Context, binary: boolean, text: string, nowMs: number): PublishRequest {
  if (binary)
    return readBinary(c.req.header(), c.req.header("content-type") ?? "", text, { nowMs });
  if (mediaTypeOf(c).essence === STRUCTURED_TYPE) return readStructured(text, { nowMs });
  return readPublishLine(text);
}

function fieldsOf(c: Context, query: Query): Omit<PublishRequest, "type" | "dataJson"> {
  const to = query.text("to");
  const fields = {
    id: query.text("id") ?? c.req.header("idempotency-key"),
    key: query.text("key"),
    actor: query.text("actor"),
    correlation: query.text("correlation"),
    ...(to !== undefined && { to: { kind: "queue" as const, name: queueNamed(to) } }),
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function queueNamed(to: string): string {
  const [, name] = /^queue:(.+)$/.exec(to) ?? [];
  if (name === undefined)
    throw badArgument("to", "to must be queue:NAME: a command has one address");
  return name;
}
