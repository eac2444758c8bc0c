/**
 * The door for people and programs: the admin API, publishing, commands, queries and tails over HTTP.
 *
 * `createDoor` builds a fetch handler and touches no socket; `serve` puts it on one, and a program may
 * mount it into a server of its own. Every request passes the gate first (`gate.ts`), whatever it asks
 * for; `docs/http.md` lists the addresses, with commands that a test runs.
 *
 * Everything that is answered is data: `nosniff`, no caching, no page of another origin may frame or
 * read it. Errors are JSON in the one form of `error-status.ts`; what is no MillraceError is a defect,
 * goes to the log with its stack, and is told to the caller only by a reference into the log.
 */

import { Hono, type Context } from "hono";
import { matchedRoutes } from "hono/route";
import { secureHeaders } from "hono/secure-headers";
import type { Admin } from "../admin/admin.ts";
import { guardAdmin, registryFor } from "../admin/guard/guarded-admin.ts";
import { KnownNames } from "../admin/guard/known-names.ts";
import { checkRules, type Rule } from "../broker/rules.ts";
import type { Principal, SignIn } from "../broker/sign-in.ts";
import { assert } from "../model/assert.ts";
import type { Environment } from "../model/environment.ts";
import { isMillraceError, MillraceError } from "../model/errors.ts";
import { createRegistry, type Registry } from "../schema/registry.ts";
import type { WebhookReceiver } from "../service/inbound.ts";
import type { DoorRoom } from "./door-room.ts";
import { errorBody, STATUS_BY_CODE } from "./error-status.ts";
import { createGate, OWNER, type Gate, type Presented } from "./gate.ts";
import { DOOR_LIMITS, type DoorLimits } from "./limits.ts";
import type { ProcessFacts } from "./metrics/collect.ts";
import { RequestHistogram } from "./metrics/histogram.ts";
import { addCommandRoutes } from "./routes/command-routes.ts";
import { addHealthRoutes, OPEN_ADDRESSES } from "./routes/health-routes.ts";
import { addHistoryRoutes } from "./routes/history-routes.ts";
import { addHookRoutes, HOOKS_PREFIX } from "./routes/hook-routes.ts";
import { addOpenApiRoutes } from "./routes/openapi-routes.ts";
import { addOverviewRoutes } from "./routes/overview-routes.ts";
import { addPageRoutes } from "./routes/page-routes.ts";
import { addPartRoutes } from "./routes/part-routes.ts";
import { addPublishRoutes } from "./routes/publish-routes.ts";
import { addRepairRoutes } from "./routes/repair-routes.ts";
import { addReplayRoutes } from "./routes/replay-routes.ts";
import { addUpkeepRoutes } from "./routes/upkeep-routes.ts";
import { addSagaRoutes } from "./routes/saga-routes.ts";
import { addStreamRoutes } from "./routes/stream-routes.ts";
import { addViewRoutes } from "./routes/view-routes.ts";

export interface DoorOptions {
  readonly admin: Admin;
  /** From `createToken`, or one of at least 16 characters. */
  readonly token: string;
  readonly environment: Environment;
  /** Every declared type, for `/openapi.json` and the page; none are told where it is left out. */
  readonly registry?: Registry;
  readonly limits?: Partial<DoorLimits>;
  /** Where a program has mounted the door, `/millrace`: what the page and the OpenAPI document name. */
  readonly path?: string;
  /** Names under which the server is reached, beside those of loopback. */
  readonly hosts?: readonly string[];
  /** Who else may come in, beside whoever has the token. */
  readonly signIn?: SignIn;
  /** What those may do; nothing unless said. */
  readonly rules?: readonly Rule[];
  /** Received below `/hooks/`. */
  readonly webhooks?: readonly WebhookReceiver[];
  readonly processFacts?: () => ProcessFacts;
  /** Aborts when the door stops: tails and streamed answers end. */
  readonly stopping?: AbortSignal;
}

export interface Door {
  (request: Request): Promise<Response>;
  /** Every address, as `get /streams/:stream`. */
  readonly routes: readonly string[];
}

/** Throws BAD_CONFIG for a token that could be guessed, a bad path or a bad rule, BAD_DECLARATION for webhooks at one path. */
export function createDoor(options: DoorOptions): Door {
  const { environment, admin } = options;
  const gate = createGate(options);
  const principals = new WeakMap<Request, Principal>();
  const principalOf = (c: Context): Principal | undefined => principals.get(c.req.raw);
  const { registry = createRegistry([]), rules = [] } = options;
  checkRules(rules);
  const names = new KnownNames(() => admin.describe());
  const guarded = (principal: Principal): Admin =>
    guardAdmin(admin, { principal, rules, registry, names });
  const tell = (error: unknown): string => errorBodyOf(error, environment);
  const room: DoorRoom = {
    admin,
    adminFor: (c) => {
      const principal = principalOf(c);
      assert(principal !== undefined, "only addresses that are open to all are asked by nobody");
      return principal === OWNER ? admin : guarded(principal);
    },
    principalOf,
    registryFor: (c) => {
      const principal = principalOf(c);
      assert(principal !== undefined, "only addresses that are open to all are asked by nobody");
      return principal === OWNER ? registry : registryFor(registry, { principal, rules });
    },
    path: checkPath(options.path ?? ""),
    limits: { ...DOOR_LIMITS, ...options.limits },
    stopping: options.stopping ?? new AbortController().signal,
    clock: environment.clock,
    nowMs: () => environment.clock.now(),
    tracer: environment.tracer,
    histogram: new RequestHistogram(),
    processFacts: options.processFacts,
    tell,
  };

  const app = new Hono();
  app.use(
    secureHeaders({
      contentSecurityPolicy: {
        defaultSrc: ["'none'"],
        styleSrc: ["'self'"],
        frameAncestors: ["'none'"],
      },
      strictTransportSecurity: false,
    }),
  );
  app.use(async (c, next) => {
    const startedMs = environment.clock.monotonic();
    c.header("Cache-Control", "no-store");
    const principal = await admit(gate, c);
    if (principal !== undefined) principals.set(c.req.raw, principal);
    await next();
    const address = `${c.req.method} ${routeOf(c)}`;
    room.histogram.observe(address, c.res.status, environment.clock.monotonic() - startedMs);
  });
  addHealthRoutes(app, room);
  addHookRoutes(app, room, options.webhooks ?? []);
  addPublishRoutes(app, room);
  addCommandRoutes(app, room);
  addStreamRoutes(app, room);
  addPartRoutes(app, room);
  addViewRoutes(app, room);
  addRepairRoutes(app, room);
  addHistoryRoutes(app, room);
  addSagaRoutes(app, room);
  addReplayRoutes(app, room);
  addUpkeepRoutes(app, room);
  addOverviewRoutes(app, room);
  addOpenApiRoutes(app, room);
  addPageRoutes(app, room);
  app.notFound((c) => sendError(c, noSuchAddress(c), tell));
  app.onError((error, c) => sendError(c, error, tell));
  const routes = app.routes
    .filter(({ path }) => path !== "/*")
    .map(({ method, path }) => `${method.toLowerCase()} ${path}`);
  return Object.assign(async (request: Request) => app.fetch(request), { routes });
}

/** Webhooks prove their senders themselves, and what is open to all needs no token. */
async function admit(gate: Gate, c: Context): Promise<Principal | undefined> {
  if (c.req.path.startsWith(HOOKS_PREFIX)) return undefined;
  const presented = presentedBy(c);
  gate.checkAddress(presented);
  if (!OPEN_ADDRESSES.has(c.req.path)) return gate.admit(presented);
  return presented.token === undefined
    ? undefined
    : gate.admit(presented).catch((error: unknown) => {
        if (isMillraceError(error, "NOT_ALLOWED")) return undefined;
        throw error;
      });
}

function presentedBy(c: Context): Presented {
  const bearer = /^Bearer +(\S+)$/i.exec(c.req.header("authorization") ?? "")?.[1];
  return {
    host: c.req.header("host"),
    origin: c.req.header("origin"),
    token: bearer ?? c.req.query("token"),
    header: (name) => c.req.header(name),
  };
}

/** The route's own pattern: what a caller wrote would make a series of each address. */
function routeOf(c: Context): string {
  return matchedRoutes(c).findLast(({ path }) => path !== "/*")?.path ?? "(none)";
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

function checkPath(path: string): string {
  if (/^(\/[\w.~-]+)*$/.test(path)) return path;
  throw new MillraceError(
    "BAD_CONFIG",
    `the door's path is ${JSON.stringify(path.slice(0, 100))}; write the path at which it is mounted, "/millrace", without a slash at its end`,
    { details: { key: "path" } },
  );
}
