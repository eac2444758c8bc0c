/**
 * A provider that keeps its spans, made by hand from the API's own interfaces, stands where an SDK
 * would. The active context is kept by AsyncLocalStorage, as SDKs do.
 */

import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { after, test } from "node:test";
import {
  context,
  ROOT_CONTEXT,
  trace,
  type Context,
  type Link,
  type Span,
  type SpanContext,
  type SpanOptions,
  type SpanStatus,
  type Tracer,
} from "@opentelemetry/api";
import * as z from "zod";
import { memoryBroker } from "../../memory/broker.ts";
import { memoryStore } from "../../memory/store.ts";
import { stream } from "../../schema/channel.ts";
import { event } from "../../schema/message-type.ts";
import { consumer } from "../../service/consumer/consumer.ts";
import { service } from "../../service/service.ts";
import { view } from "../../sourcing/view.ts";
import { openApp } from "../app.ts";
import { SILENT_LOG } from "../logger.ts";
import { openTelemetry } from "./telemetry.ts";

interface KeptSpan {
  readonly name: string;
  readonly context: SpanContext;
  readonly parent: string | undefined;
  readonly links: readonly string[];
  readonly attributes: SpanOptions["attributes"];
  status?: SpanStatus;
  ended: boolean;
}

const spans: KeptSpan[] = [];

function keepSpan(name: string, options: SpanOptions = {}, from: Context = context.active()): Span {
  const parent = trace.getSpanContext(from);
  const number = String(spans.length + 1);
  const kept: KeptSpan = {
    name,
    context: {
      traceId: parent?.traceId ?? number.padStart(32, "0"),
      spanId: number.padStart(16, "0"),
      traceFlags: 1,
    },
    parent: parent?.spanId,
    links: (options.links ?? []).map((link: Link) => link.context.spanId),
    attributes: options.attributes,
    ended: false,
  };
  spans.push(kept);
  const span: Span = {
    spanContext: () => kept.context,
    setAttribute: () => span,
    setAttributes: () => span,
    addEvent: () => span,
    addLink: () => span,
    addLinks: () => span,
    setStatus: (status) => {
      kept.status = status;
      return span;
    },
    updateName: () => span,
    end: () => {
      assert.equal(kept.ended, false, `${name} ended twice`);
      kept.ended = true;
    },
    isRecording: () => true,
    recordException: () => undefined,
  };
  return span;
}

const tracer: Tracer = {
  startSpan: keepSpan,
  startActiveSpan: () => assert.fail("the runtime activates spans itself"),
};

function register(): void {
  const storage = new AsyncLocalStorage<Context>();
  context.setGlobalContextManager({
    active: () => storage.getStore() ?? ROOT_CONTEXT,
    with: (inside, work, self, ...parameters) =>
      storage.run(inside, () => work.apply(self!, parameters)),
    bind: (_inside, target) => target,
    enable() {
      return this;
    },
    disable() {
      return this;
    },
  });
  trace.setGlobalTracerProvider({ getTracer: () => tracer });
}

after(() => {
  trace.disable();
  context.disable();
});

const data = z.object({ orderId: z.string() });
const Placed = event("order.placed", data, { key: (e) => e.orderId });
const Billed = event("order.billed", data, { key: (e) => e.orderId });
const orders = stream("orders", { Placed }, { partitions: 1 });
const bills = stream("bills", { Billed }, { partitions: 1 });
const insideHandlers: (string | undefined)[] = [];
const billing = consumer("billing", { from: orders, publishes: bills }).handle({
  Placed: async (order, { emit }) => {
    await Promise.resolve();
    insideHandlers.push(trace.getActiveSpan()?.spanContext().spanId);
    emit(Billed(order));
  },
});
const count = view("count", { from: bills, initial: { count: 0 }, id: "all" }).evolve({
  Billed: (state) => ({ count: state.count + 1 }),
});
const shop = service("shop", { billing, count });

const named = (name: string): KeptSpan[] => spans.filter((span) => span.name === name);

test("without a registered SDK there is no tracer", async () => {
  assert.equal(await openTelemetry(), undefined);
});

test("one span per publish, handled message and relay stretch, joined by the envelope and by links", async () => {
  register();
  await using app = await openApp({
    services: [shop],
    broker: memoryBroker(),
    store: memoryStore(),
    log: SILENT_LOG,
  });
  const request = keepSpan("GET /checkout");
  await context.with(trace.setSpan(context.active(), request), () =>
    app.publish(Placed({ orderId: "o1" })),
  );
  await app.settled();

  const [published, ...more] = named("publish order.placed");
  assert.deepEqual(more, []);
  assert.equal(published?.parent, request.spanContext().spanId);
  const [handled] = named("process order.placed");
  assert.equal(handled?.parent, published?.context.spanId);
  assert.deepEqual(handled?.links, [published?.context.spanId]);
  assert.equal(handled?.context.traceId, request.spanContext().traceId);
  assert.deepEqual(insideHandlers, [handled?.context.spanId]);
  const [relayed] = named("relay");
  assert.equal(relayed?.parent, undefined);
  assert.deepEqual(relayed?.links, [handled?.context.spanId]);
  const [folded] = named("process order.billed");
  assert.equal(folded?.parent, handled?.context.spanId);
  assert.equal(folded?.attributes?.["millrace.part"], "count");
  assert.ok(spans.filter((span) => span.name !== "GET /checkout").every(({ ended }) => ended));

  assert.ok(handled);
  const expected = `00-${handled.context.traceId}-${handled.context.spanId}-01`;
  const written: (string | undefined)[] = [];
  for await (const { envelope } of app.admin.read("bills", { from: "start" })) {
    written.push(envelope?.trace?.traceparent);
  }
  assert.deepEqual(written, [expected]);
});

test("a failure is told by its span, with secrets blotted out", async () => {
  register();
  spans.length = 0;
  const policy = { attempts: 1 };
  const parking = consumer("billing", { from: orders, publishes: bills, policy }).handle({
    Placed: () => {
      throw new Error("cannot bill at ?token=hidden-token-value");
    },
  });
  await using app = await openApp({
    services: [service("shop", { parking })],
    broker: memoryBroker(),
    store: memoryStore(),
    log: SILENT_LOG,
  });
  await app.publish(Placed({ orderId: "bad" }));
  await app.settled();
  const [failed] = named("process order.placed");
  assert.equal(failed?.status?.code, 2);
  assert.match(failed?.status?.message ?? "", /cannot bill/);
  assert.doesNotMatch(JSON.stringify(spans), /hidden-token-value/);
});
