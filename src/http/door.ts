/**
 * The door for people and programs: the admin API, publishing, queries and tails over HTTP.
 *
 * `createDoor` builds a fetch handler and touches no socket; `serve` puts it on one. Every request
 * passes the gate first (`gate.ts`), whatever it asks for; `docs/http.md` lists the addresses, with
 * commands that a test runs.
 *
 * Everything that is answered is data: `nosniff`, no caching, no page of another origin may frame or
 * read it. Errors are JSON in the one form of `error-status.ts`; what is no MillraceError is a defect,
 * goes to the log with its stack, and is told to the caller only by a reference into the log.
 */

import { Hono, type Context } from "hono";
import { secureHeaders } from "hono/secure-headers";
import type { Admin } from "../admin/admin.ts";
import type { Environment } from "../model/environment.ts";
import { isMillraceError, MillraceError } from "../model/errors.ts";
import { errorBody, STATUS_BY_CODE } from "./error-status.ts";
import { createGate, type Gate, type Presented } from "./gate.ts";
import { DOOR_LIMITS, type DoorLimits } from "./limits.ts";
import { addOverviewRoutes } from "./routes/overview-routes.ts";
import { addPublishRoutes } from "./routes/publish-routes.ts";
import { addRepairRoutes } from "./routes/repair-routes.ts";
import { addStreamRoutes } from "./routes/stream-routes.ts";
import { addViewRoutes } from "./routes/view-routes.ts";

export interface DoorOptions {
  readonly admin: Admin;
  /** From `createToken`. */
  readonly token: string;
  readonly environment: Environment;
  readonly limits?: Partial<DoorLimits>;
  /** Aborts when the door stops: tails and streamed answers end. */
  readonly stopping?: AbortSignal;
}

/** What the routes work with. */
export interface DoorRoom {
  readonly admin: Admin;
  readonly limits: DoorLimits;
  readonly stopping: AbortSignal;
  readonly nowMs: () => number;
  /** The JSON text of any error, as the door tells it; a defect is logged. */
  readonly tell: (error: unknown) => string;
}

export type Door = (request: Request) => Promise<Response>;

export function createDoor(options: DoorOptions): Door {
  const { admin, environment } = options;
  const gate = createGate({ token: options.token });
  const tell = (error: unknown): string => errorBodyOf(error, environment);
  const room: DoorRoom = {
    admin,
    limits: { ...DOOR_LIMITS, ...options.limits },
    stopping: options.stopping ?? new AbortController().signal,
    nowMs: () => environment.clock.now(),
    tell,
  };

  const app = new Hono();
  app.use(
    secureHeaders({
      contentSecurityPolicy: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
      strictTransportSecurity: false,
    }),
  );
  app.use(async (c, next) => {
    c.header("Cache-Control", "no-store");
    await admit(gate, c);
    await next();
  });
  app.get("/healthz", (c) => c.json({ status: "ok" }));
  addPublishRoutes(app, room);
  addStreamRoutes(app, room);
  addViewRoutes(app, room);
  addRepairRoutes(app, room);
  addOverviewRoutes(app, room);
  app.notFound((c) => sendError(c, noSuchAddress(c), tell));
  app.onError((error, c) => sendError(c, error, tell));
  return async (request) => app.fetch(request);
}

/** The health of the process is no secret: everything else needs the token. */
async function admit(gate: Gate, c: Context): Promise<void> {
  const presented = presentedBy(c);
  gate.checkAddress(presented);
  if (c.req.path === "/healthz") return;
  await gate.checkToken(presented);
}

function presentedBy(c: Context): Presented {
  const bearer = /^Bearer +(\S+)$/i.exec(c.req.header("authorization") ?? "")?.[1];
  return {
    host: c.req.header("host"),
    origin: c.req.header("origin"),
    token: bearer ?? c.req.query("token"),
  };
}

function sendError(c: Context, error: unknown, tell: (error: unknown) => string): Response {
  const signIn = isMillraceError(error, "NOT_ALLOWED") && error.details["check"] === "token";
  if (signIn) c.header("WWW-Authenticate", 'Bearer realm="millrace"');
  const busy = isMillraceError(error) && STATUS_BY_CODE[error.code] === 503;
  if (busy) c.header("Retry-After", "1");
  // What the sender still sends is not read: the connection cannot be used again.
  if (isMillraceError(error, "TOO_LARGE")) c.header("Connection", "close");
  const status = signIn ? 401 : isMillraceError(error) ? STATUS_BY_CODE[error.code] : 500;
  return c.body(tell(error), status, {
    "Content-Type": "application/json",
  });
}

function errorBodyOf(error: unknown, { log, ids }: Environment): string {
  if (isMillraceError(error)) return errorBody(error);
  const reference = ids.newId();
  log.error({ reference, err: error }, "a request at the HTTP door met a defect");
  return JSON.stringify({
    message: `a defect of Millrace or of a service's code; the log of the process tells more under ${reference}`,
  });
}

function noSuchAddress(c: Context): MillraceError {
  return new MillraceError(
    "NOT_FOUND",
    `there is no ${c.req.method} ${JSON.stringify(c.req.path.slice(0, 100))} at this door; ` +
      "see /describe for what runs here, and docs/http.md for all addresses",
  );
}
