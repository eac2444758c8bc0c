/**
 * What the routes get from the door. It stands apart from the door's own types, which users compile:
 * those know no Hono, so nobody needs the types of a browser for them.
 */

import type { Context } from "hono";
import type { Clock } from "../model/clock.ts";
import type { Tracer } from "../model/tracer.ts";
import type { Principal } from "../broker/sign-in.ts";
import type { Registry } from "../schema/registry.ts";
import type { Admin } from "../admin/admin.ts";
import type { DoorLimits } from "./limits.ts";
import type { ProcessFacts } from "./metrics/collect.ts";
import type { RequestHistogram } from "./metrics/histogram.ts";

/** What the routes work with. */
export interface DoorRoom {
  /** For the door's own looks. What a caller asks for goes through `adminFor`. */
  readonly admin: Admin;
  /** The admin API as far as whoever sent this request may use it. */
  readonly adminFor: (c: Context) => Admin;
  /** Undefined for a caller that nobody knows, at an address that is open to all. */
  readonly principalOf: (c: Context) => Principal | undefined;
  /** The declared types that whoever sent this request may know of. */
  readonly registryFor: (c: Context) => Registry;
  /** Where the door is mounted; empty where it has a server of its own. */
  readonly path: string;
  readonly limits: DoorLimits;
  readonly stopping: AbortSignal;
  readonly clock: Clock;
  readonly nowMs: () => number;
  readonly tracer: Tracer | undefined;
  readonly histogram: RequestHistogram;
  readonly processFacts: (() => ProcessFacts) | undefined;
  /** The JSON text of any error, as the door tells it; a defect is logged. */
  readonly tell: (error: unknown) => string;
}
