/** Spans of what is published and asked through the door: children of the caller's, by its own headers. */

import type { Context } from "hono";
import type { PublishRequest } from "../admin/admin.ts";
import type { TraceContext } from "../model/envelope.ts";
import { traced } from "../model/tracer.ts";
import type { DoorRoom } from "./door-room.ts";

/**
 * Gives the work the request with the context of its span, or, where nobody traces, with the one that
 * came: W3C `traceparent` of the HTTP request, unless the message has its own.
 */
export function tracedRequest<Result>(
  { tracer }: DoorRoom,
  c: Context,
  verb: "publish" | "send" | "ask",
  request: PublishRequest,
  work: (request: PublishRequest) => Promise<Result>,
): Promise<Result> {
  const given = request.trace ?? traceOf(c);
  const facts = () =>
    ({
      kind: "producer",
      ...(given !== undefined && { parent: given }),
      attributes: { "messaging.system": "millrace", "messaging.operation.type": "send" },
    }) as const;
  return traced(tracer, `${verb} ${request.type}`, facts, (span) => {
    const trace = span?.context ?? given;
    return work(trace === undefined ? request : { ...request, trace });
  });
}

const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** What is no trace context is passed over, as W3C asks. */
export function traceOf(c: Context): TraceContext | undefined {
  const traceparent = c.req.header("traceparent");
  if (traceparent === undefined || !TRACEPARENT.test(traceparent)) return undefined;
  const tracestate = c.req.header("tracestate");
  return { traceparent, ...(tracestate !== undefined && { tracestate }) };
}
