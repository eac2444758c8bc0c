/** Where a webhook goes: its URL, checked when it is declared, and the addresses that it may have. */

import { isIP } from "node:net";
import { MillraceError } from "../../../model/errors.ts";
import { allowedAddresses, refusedKind } from "./address-rules.ts";

export interface TargetOptions {
  readonly url: string;
  /**
   * Private targets that are meant all the same: host names, addresses, and networks such as
   * `10.1.0.0/16`. None unless said.
   */
  readonly allow?: readonly string[];
  /** Lets an `http:` URL pass, whose content and signatures everybody on the way can read. */
  readonly plainHttp?: boolean;
}

export interface Target {
  readonly url: URL;
  /** Scheme, host and port: what may be shown, because paths and queries of webhooks hold secrets. */
  readonly origin: string;
  /** Without the brackets of an IPv6 address. */
  readonly host: string;
  readonly port: number;
  readonly secure: boolean;
  /** Throws ADDRESS_REFUSED, unless the address is public or the declaration allows it. */
  checkAddress(address: string): void;
}

/** The ports below 1024 that are the web's. Behind the others stand mail, remote shells and directories. */
const LOW_PORTS: ReadonlySet<number> = new Set([80, 443]);
const PORT_FREE_MIN = 1024;

/** Throws BAD_DECLARATION for a URL that must not be declared, also for one with a private address. */
export function parseTarget(what: string, options: TargetOptions): Target {
  const refuse = (why: string): never => {
    throw new MillraceError("BAD_DECLARATION", `the url of ${what} ${why}`);
  };
  const { allow = [], plainHttp = false } = options;
  const allowed = allowedAddresses(allow);
  if (allowed === undefined) {
    throw new MillraceError(
      "BAD_DECLARATION",
      `allow of ${what} is ${JSON.stringify(allow)}; give host names, addresses, or networks such as "10.1.0.0/16"`,
    );
  }
  const url = URL.canParse(options.url)
    ? new URL(options.url)
    : refuse("is none; write one such as https://partner.example/hooks");
  if (url.protocol !== "https:" && !(plainHttp && url.protocol === "http:")) {
    refuse(
      `begins with ${url.protocol}, and https: is asked for; for a trusted network say plainHttp: true`,
    );
  }
  if (url.username !== "" || url.password !== "") {
    refuse("has a user or password in it; send them in a header: headers: { authorization: … }");
  }
  const secure = url.protocol === "https:";
  const port = url.port === "" ? (secure ? 443 : 80) : Number(url.port);
  if (port < PORT_FREE_MIN && !LOW_PORTS.has(port)) {
    refuse(`has the port ${port}; webhooks go to 80, 443 and ports from ${PORT_FREE_MIN}`);
  }
  const host = url.hostname.startsWith("[") ? url.hostname.slice(1, -1) : url.hostname;
  const target: Target = {
    url,
    origin: url.origin,
    host,
    port,
    secure,
    checkAddress: (address) => {
      const kind = refusedKind(address);
      if (kind === undefined || allowed.hasHost(host) || allowed.hasAddress(address)) return;
      throw new MillraceError(
        "ADDRESS_REFUSED",
        `${what} leads to ${address}, which is ${kind}; webhooks go to public addresses: correct the name, or add it to allow if it is meant`,
        { details: { host, address, kind } },
      );
    },
  };
  if (isIP(host) !== 0) declaredAddress(target, refuse);
  return target;
}

/** A literal address will never be another one, so there is no need to wait for the first message. */
function declaredAddress(target: Target, refuse: (why: string) => never): void {
  try {
    target.checkAddress(target.host);
  } catch {
    refuse(
      `leads to ${target.host}, which is ${refusedKind(target.host)}; webhooks go to public addresses: add it to allow if it is meant`,
    );
  }
}
