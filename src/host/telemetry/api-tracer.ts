/** The OpenTelemetry API as the runtime's tracer; loaded by `telemetry.ts` where an SDK is registered. */

import {
  type Context,
  type Span as ApiSpan,
  type SpanContext,
  SpanKind as ApiSpanKind,
  type Tracer as ApiTracer,
  SpanStatusCode,
  TraceFlags,
  context as active,
  createTraceState,
  isSpanContextValid,
  trace,
} from "@opentelemetry/api";
import type { TraceContext } from "../../model/envelope.ts";
import type { Span, SpanFacts, SpanKind, Tracer } from "../../model/tracer.ts";
import { redactText } from "../text/redact.ts";

/** A tracer of the provider that is registered; undefined where none is. */
export function registeredTracer(scope: string): Tracer | undefined {
  const provider = trace.getTracerProvider();
  // Where nothing is registered the proxy has no delegate. It may come from another copy of the API.
  if (!("getDelegateTracer" in provider) || typeof provider.getDelegateTracer !== "function") {
    return adaptTracer(provider.getTracer(scope));
  }
  const tracer: ApiTracer | undefined = provider.getDelegateTracer(scope);
  return tracer === undefined ? undefined : adaptTracer(tracer);
}

function adaptTracer(tracer: ApiTracer): Tracer {
  return {
    start(name, { kind, parent, links = [], attributes = {} }: SpanFacts): Span {
      const from = contextOf(parent);
      const options = {
        kind: KINDS[kind],
        attributes: { ...attributes },
        links: links.flatMap((link) => {
          const context = spanContextOf(link);
          return context === undefined ? [] : [{ context }];
        }),
      };
      const span = tracer.startSpan(name, options, from);
      const inside = trace.setSpan(from, span);
      return {
        context: traceContextOf(span.spanContext()),
        run: (work) => active.with(inside, work),
        end: (error) => endSpan(span, error),
      };
    },
  };
}

const KINDS: Readonly<Record<SpanKind, ApiSpanKind>> = {
  producer: ApiSpanKind.PRODUCER,
  consumer: ApiSpanKind.CONSUMER,
  server: ApiSpanKind.SERVER,
  internal: ApiSpanKind.INTERNAL,
};

function contextOf(parent: TraceContext | null | undefined): Context {
  if (parent === undefined) return active.active();
  const without = trace.deleteSpan(active.active());
  const spanContext = parent === null ? undefined : spanContextOf(parent);
  return spanContext === undefined ? without : trace.setSpanContext(without, spanContext);
}

const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?$/;

/** Undefined for what a stranger sent and is none, by W3C Trace Context. */
function spanContextOf({ traceparent, tracestate }: TraceContext): SpanContext | undefined {
  const [, traceId = "", spanId = "", flags = "00"] = TRACEPARENT.exec(traceparent) ?? [];
  const context: SpanContext = {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16) & TraceFlags.SAMPLED,
    isRemote: true,
    ...(tracestate !== undefined && { traceState: createTraceState(tracestate) }),
  };
  return isSpanContextValid(context) ? context : undefined;
}

function traceContextOf({ traceId, spanId, traceFlags, traceState }: SpanContext): TraceContext {
  const flags = (traceFlags & TraceFlags.SAMPLED).toString(16).padStart(2, "0");
  const tracestate = traceState?.serialize();
  return {
    traceparent: `00-${traceId}-${spanId}-${flags}`,
    ...(tracestate !== undefined && tracestate !== "" && { tracestate }),
  };
}

function endSpan(span: ApiSpan, error: unknown): void {
  if (error !== undefined) {
    const { name, message } =
      error instanceof Error
        ? error
        : { name: "Error", message: "something was thrown that is no Error" };
    const text = redactText(message);
    span.recordException({ name, message: text });
    span.setStatus({ code: SpanStatusCode.ERROR, message: text });
  }
  span.end();
}
