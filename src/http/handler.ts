/**
 * The door without a socket of its own: for a server that a program has already.
 *
 *     const hono = new Hono()
 *     hono.mount("/millrace", createHandler(app, { token, path: "/millrace" }))
 *
 *     createServer(createNodeListener(createHandler(app, { token }))).listen(4370, "127.0.0.1")
 *
 * Time limits and the number of connections are then the server's own to bound; bodies, messages and
 * what a caller may do are bounded here. Under another name than those of loopback the handler answers
 * only if `hosts` has that name, and a server that others reach should speak TLS.
 */

import type { RequestListener } from "node:http";
import { getRequestListener } from "@hono/node-server";
import type { Admin } from "../admin/admin.ts";
import type { Environment } from "../model/environment.ts";
import type { Registry } from "../schema/registry.ts";
import { createDoor, type Door, type DoorOptions } from "./door.ts";
import { createToken } from "./token.ts";

/** An opened app, as far as the door needs it. */
export interface HandledApp {
  readonly admin: Admin;
  readonly environment: Environment;
  readonly registry: Registry;
}

export interface HandlerOptions extends Omit<
  DoorOptions,
  "admin" | "environment" | "registry" | "token"
> {
  /** At least 16 characters; a random one unless said. */
  readonly token?: string;
}

export interface Handler extends Door {
  /** Who shows it may do everything. */
  readonly token: string;
}

/** Throws BAD_CONFIG for a token that could be guessed, BAD_DECLARATION for webhooks at one path. */
export function createHandler(app: HandledApp, options: HandlerOptions = {}): Handler {
  const { admin, environment, registry } = app;
  const token = options.token ?? createToken(environment.random);
  const door = createDoor({ ...options, admin, environment, registry, token });
  return Object.assign(door, { token });
}

/** For `createServer` of `node:http`. */
export function createNodeListener(handler: Door): RequestListener {
  const listener = getRequestListener(handler, { overrideGlobalObjects: false });
  return (incoming, outgoing) => void listener(incoming, outgoing);
}
