/**
 * Spans by OpenTelemetry, where an SDK is registered in this process before the app opens. Millrace
 * brings the API alone: SDK, sampler and exporter are the program's own choice. Without an SDK there
 * is no tracer, the runtime builds nothing, and the API is not even loaded.
 */

import type { Tracer } from "../../model/tracer.ts";

const SCOPE = "millrace";
/** Where every copy of the API keeps what is registered: the contract between its releases. */
const REGISTRY = Symbol.for("opentelemetry.js.api.1");

/** Undefined where no SDK is registered. */
export async function openTelemetry(): Promise<Tracer | undefined> {
  if (!(REGISTRY in globalThis)) return undefined;
  const { registeredTracer } = await import("./api-tracer.ts");
  return registeredTracer(SCOPE);
}
