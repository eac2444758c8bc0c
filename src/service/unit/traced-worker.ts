/**
 * A worker whose handled messages are spans.
 *
 * Each message gets a span of its own, linked to the one that published it and its child, and goes to the worker
 * with that span's context: what is stamped as caused by it carries the context on. A unit's messages
 * are worked on in one call, so their spans begin together; those behind a failure were not handled and
 * leave none.
 */

import type { TraceContext } from "../../model/envelope.ts";
import type { Message } from "../../model/message.ts";
import type { Span, Tracer } from "../../model/tracer.ts";
import type { Decision, WorkContext, Worker } from "../part.ts";

export interface TracedPart {
  readonly service: string;
  readonly part: string;
}

/** The worker itself where nobody traces: then it costs nothing. */
export function tracedWorker(
  worker: Worker,
  tracer: Tracer | undefined,
  where: TracedPart,
): Worker {
  if (tracer === undefined) return worker;
  return {
    keyOf: (message) => worker.keyOf(message),
    ...(worker.reads !== undefined && { reads: (key: string) => worker.reads!(key) }),
    committed: (key) => worker.committed?.(key),
    forget: (key) => worker.forget?.(key),
    work: (key, messages, context) =>
      workInSpans({ worker, tracer, where }, key, messages, context),
  };
}

interface Tracing {
  readonly worker: Worker;
  readonly tracer: Tracer;
  readonly where: TracedPart;
}

async function workInSpans(
  { worker, tracer, where }: Tracing,
  key: string,
  messages: readonly Message[],
  context: WorkContext,
): Promise<Decision> {
  const spans = messages.map(({ envelope }) =>
    tracer.start(`process ${envelope.type}`, {
      kind: "consumer",
      parent: envelope.trace ?? null,
      links: envelope.trace === undefined ? [] : [envelope.trace],
      attributes: {
        "messaging.system": "millrace",
        "messaging.operation.type": "process",
        "messaging.message.id": envelope.id,
        "millrace.service": where.service,
        "millrace.part": where.part,
        ...(envelope.causation !== undefined && { "millrace.causation": envelope.causation }),
        ...(envelope.correlation !== undefined && {
          "messaging.message.conversation_id": envelope.correlation,
        }),
      },
    }),
  );
  const inSpans = messages.map((message, at) => withTrace(message, spans[at]!.context));
  try {
    // One call for all of them: what the code inside begins by itself belongs to the first.
    const decision = await spans[0]!.run(() => worker.work(key, inSpans, context));
    end(spans, decision.handled, decision.failure?.error);
    return decision;
  } catch (error) {
    end(spans, 0, error);
    throw error;
  }
}

function end(spans: readonly Span[], handled: number, error: unknown): void {
  spans.forEach((span, at) => {
    if (at < handled) span.end();
    else if (at === handled && error !== undefined) span.end(error);
  });
}

function withTrace(message: Message, trace: TraceContext): Message {
  return { ...message, envelope: { ...message.envelope, trace } };
}
