/**
 * The seam to a tracing system. The runtime tells what begins and ends and hands on the W3C context in
 * envelopes; it knows no exporter. Where an environment has no tracer, nothing is built at all.
 *
 * A span that has one cause is its child. Where several causes meet, as in a stretch of an outbox that
 * is published together, none of them is the parent: the span begins a trace of its own and **links**
 * to them. So a trace is one conversation, and never grows together with those it shared a batch with.
 */

import type { TraceContext } from "./envelope.ts";

export type SpanKind = "producer" | "consumer" | "server" | "internal";

export interface SpanFacts {
  readonly kind: SpanKind;
  /** What caused it, elsewhere or earlier; what is active at the call unless said, null for nothing. */
  readonly parent?: TraceContext | null;
  readonly links?: readonly TraceContext[];
  /** Names and counts; never payloads. */
  readonly attributes?: Readonly<Record<string, string | number | boolean>>;
}

export interface Span {
  /** Goes into the envelopes of what it leads to. */
  readonly context: TraceContext;
  /** Runs the work with this span as the active one, also behind its awaits. */
  run<Result>(work: () => Result): Result;
  /** To be called once. With an error, the span says what failed. */
  end(error?: unknown): void;
}

export interface Tracer {
  start(name: string, facts: SpanFacts): Span;
}

/** Runs the work in a span that ends with it; without a tracer, just the work. */
export async function traced<Result>(
  tracer: Tracer | undefined,
  name: string,
  facts: () => SpanFacts,
  work: (span: Span | undefined) => Promise<Result>,
): Promise<Result> {
  if (tracer === undefined) return work(undefined);
  const span = tracer.start(name, facts());
  try {
    const result = await span.run(() => work(span));
    span.end();
    return result;
  } catch (error) {
    span.end(error);
    throw error;
  }
}
