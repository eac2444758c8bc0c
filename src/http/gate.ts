/**
 * The gate: the one place that decides who comes in, for this door and those to come. It knows no
 * socket and no framework: a door hands in what the caller presented and gets an error or nothing.
 *
 * Three checks, in this order.
 * - **Host**: a page of a stranger's site can make the browser talk to 127.0.0.1 under the stranger's
 *   own name (DNS rebinding). Then `Host` carries that name, so only loopback names are let in.
 * - **Origin**: browsers say which page asks. A page that did not come from this door is refused.
 * - **Token**: one random secret for each start, compared in constant time.
 */

import { timingSafeEqual } from "hono/utils/buffer";
import { MillraceError } from "../model/errors.ts";
import type { Random } from "../model/ids.ts";

const TOKEN_BYTES = 24;

export interface Presented {
  readonly host: string | undefined;
  readonly origin: string | undefined;
  readonly token: string | undefined;
}

export interface Gate {
  /** Throws NOT_ALLOWED unless the request was meant for this machine and comes from no foreign page. */
  checkAddress(presented: Presented): void;
  /** Throws NOT_ALLOWED unless the token is right. */
  checkToken(presented: Presented): Promise<void>;
}

export function createToken(random: Random): string {
  return Buffer.from(random.bytes(TOKEN_BYTES)).toString("base64url");
}

export function createGate({ token }: { readonly token: string }): Gate {
  return {
    checkAddress({ host, origin }) {
      const name = hostName(host);
      if (name === undefined || !isLoopbackName(name)) {
        throw new MillraceError(
          "NOT_ALLOWED",
          `the request names the host ${quoted(host)}; this door answers to localhost, 127.0.0.1 and [::1] alone`,
          { details: { check: "host" } },
        );
      }
      if (origin !== undefined && origin.toLowerCase() !== `http://${host!.toLowerCase()}`) {
        throw new MillraceError(
          "NOT_ALLOWED",
          `a page of ${quoted(origin)} may not use this door; open the door's own address instead`,
          { details: { check: "origin" } },
        );
      }
    },

    async checkToken(presented) {
      if (presented.token !== undefined && (await timingSafeEqual(presented.token, token))) return;
      const what = presented.token === undefined ? "the token is missing" : "the token is wrong";
      throw new MillraceError(
        "NOT_ALLOWED",
        `${what}; send the header "Authorization: Bearer TOKEN" or add ?token=TOKEN, ` +
          "with the token of the address that was printed at the start (each start has a new one)",
        { details: { check: "token" } },
      );
    },
  };
}

/** Whether only this machine can use the address. */
export function isLoopbackName(name: string): boolean {
  return name === "localhost" || name === "[::1]" || name === "::1" || isLoopbackIpv4(name);
}

function isLoopbackIpv4(name: string): boolean {
  const match = /^127\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(name);
  return match !== null && match.slice(1).every((part) => Number(part) <= 255);
}

/** The name without the port; undefined where the header is missing or malformed. */
function hostName(host: string | undefined): string | undefined {
  return /^(\[[0-9a-f:]+\]|[a-z0-9.-]+)(?::\d{1,5})?$/i.exec(host ?? "")?.[1]?.toLowerCase();
}

/** What a stranger sent, fit to stand in an error text. */
function quoted(text: string | undefined): string {
  return text === undefined ? "(none)" : JSON.stringify(text.slice(0, 100));
}
