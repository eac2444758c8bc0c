/**
 * The gate: the one place that decides who comes in through this door. It knows no socket and no
 * framework: the door hands in what the caller presented and gets a principal or an error.
 *
 * Three checks, in this order.
 * - **Host**: a page of a stranger's site can make the browser talk to 127.0.0.1 under the stranger's
 *   own name (DNS rebinding). Then `Host` carries that name, so only loopback names are let in, and
 *   those that the program says its server has.
 * - **Origin**: browsers say which page asks. A page that did not come from this door is refused.
 * - **Who**: by the token, one random secret for each start, compared in constant time; or whoever the
 *   sign-in hook knows, where the program has one.
 */

import { timingSafeEqual } from "hono/utils/buffer";
import { checkPrincipal, type Principal, type SignIn } from "../broker/sign-in.ts";
import { MillraceError } from "../model/errors.ts";
import { isLoopbackName } from "./loopback-name.ts";
import { checkToken } from "./token.ts";

/** Who shows the token: the owner of the process, who may do everything. */
export const OWNER: Principal = { name: "owner", roles: ["owner"] };

export interface Presented {
  readonly host: string | undefined;
  readonly origin: string | undefined;
  readonly token: string | undefined;
  /** A header by its lower-case name. */
  readonly header?: (name: string) => string | undefined;
}

export interface GateOptions {
  readonly token: string;
  /** Names of this server beside those of loopback, without a port. */
  readonly hosts?: readonly string[];
  readonly signIn?: SignIn;
}

export interface Gate {
  /** Throws NOT_ALLOWED unless the request was meant for this server and comes from no foreign page. */
  checkAddress(presented: Presented): void;
  /** Throws NOT_ALLOWED unless the token is right or the hook knows who it is. */
  admit(presented: Presented): Promise<Principal>;
}

/** Throws BAD_CONFIG as `checkToken` does. */
export function createGate({ token, hosts = [], signIn }: GateOptions): Gate {
  checkToken(token);
  const names = new Set(hosts.map((name) => name.toLowerCase()));
  return {
    checkAddress({ host, origin }) {
      const name = hostName(host);
      if (name === undefined || !(isLoopbackName(name) || names.has(name))) {
        const answers = ["localhost, 127.0.0.1 and [::1]", ...names].join(", ");
        throw new MillraceError(
          "NOT_ALLOWED",
          `the request names the host ${quoted(host)}; this door answers to ${answers} alone`,
          { details: { check: "host" } },
        );
      }
      if (origin !== undefined && !isOwnOrigin(origin, host!, names.has(name))) {
        throw new MillraceError(
          "NOT_ALLOWED",
          `a page of ${quoted(origin)} may not use this door; open the door's own address instead`,
          { details: { check: "origin" } },
        );
      }
    },

    async admit({ token: given, header }) {
      if (given !== undefined && (await timingSafeEqual(given, token))) return OWNER;
      const known = await signIn?.({
        door: "http",
        ...basicOf(header?.("authorization")),
        ...(given !== undefined && { token: given }),
        ...(header !== undefined && { header }),
      });
      if (known !== undefined) return checkPrincipal(known);
      const what = given === undefined ? "the token is missing" : "the token is wrong";
      throw new MillraceError(
        "NOT_ALLOWED",
        `${what}; send the header "Authorization: Bearer TOKEN" or add ?token=TOKEN, ` +
          "with the token of the address that was printed at the start (each start has a new one)",
        { details: { check: "token" } },
      );
    },
  };
}

/** User and password by the scheme Basic (RFC 7617), where they were sent. */
function basicOf(header: string | undefined): { user: string; password: string } | undefined {
  const encoded = /^Basic +([A-Za-z0-9+/=_-]+)$/i.exec(header ?? "")?.[1];
  if (encoded === undefined) return undefined;
  const pair = Buffer.from(encoded, "base64").toString("utf8");
  const colon = pair.indexOf(":");
  return colon === -1 ? undefined : { user: pair.slice(0, colon), password: pair.slice(colon + 1) };
}

/** A server that has a name of its own may stand behind TLS. */
function isOwnOrigin(origin: string, host: string, named: boolean): boolean {
  const [own, given] = [host.toLowerCase(), origin.toLowerCase()];
  return given === `http://${own}` || (named && given === `https://${own}`);
}

/** The name without the port; undefined where the header is missing or malformed. */
function hostName(host: string | undefined): string | undefined {
  return /^(\[[0-9a-f:]+\]|[a-z0-9.-]+)(?::\d{1,5})?$/i.exec(host ?? "")?.[1]?.toLowerCase();
}

/** What a stranger sent, fit to stand in an error text. */
function quoted(text: string | undefined): string {
  return text === undefined ? "(none)" : JSON.stringify(text.slice(0, 100));
}
