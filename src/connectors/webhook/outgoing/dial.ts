/**
 * Connecting to a webhook's target, to an address that was checked and to no other.
 *
 * The name is resolved once for each connection, every address that it has is checked, and the
 * connection is made to one of these addresses as a number: between check and use nothing asks the
 * name again, so a name server that changes its answer (DNS rebinding) gains nothing. Certificates are
 * checked against the name. Each delivery connects anew: then no connection outlives its check.
 */

import { lookup } from "node:dns/promises";
import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { isMillraceError, MillraceError } from "../../../model/errors.ts";
import { dependencyDown } from "../../../service/failure.ts";
import type { Target } from "./target.ts";

/** How names become addresses and addresses connections; the machine's own ways unless given. */
export interface Dialer {
  /** All addresses of the name. */
  resolve(host: string): Promise<readonly string[]>;
  /** Begins a connection; its events tell the rest. */
  connect(to: { readonly address: string; readonly port: number }): Socket;
}

export const DIALER: Dialer = {
  resolve: async (host) => (await lookup(host, { all: true })).map(({ address }) => address),
  connect: ({ address, port }) => connectTcp({ host: address, port, noDelay: true }),
};

export interface DialOptions {
  readonly dialer: Dialer;
  /** Certificates of authorities beside the well-known ones. */
  readonly ca: string | undefined;
  /** Ends it; its reason is what is thrown. */
  readonly signal: AbortSignal;
}

/** Addresses of one name that are tried; a name with more has others that work just as well. */
const ADDRESSES_TRIED_MAX = 4;

/** Throws ADDRESS_REFUSED, DEPENDENCY_DOWN where nobody answers, and the signal's reason. */
export async function dial(target: Target, options: DialOptions): Promise<Socket> {
  const { dialer, signal } = options;
  const addresses = await addressesOf(target, options);
  let last: unknown;
  for (const address of addresses.slice(0, ADDRESSES_TRIED_MAX)) {
    const socket = dialer.connect({ address, port: target.port });
    try {
      await opened(socket, "connect", signal);
      return await secured(socket, target, options);
    } catch (error) {
      socket.destroy();
      signal.throwIfAborted();
      if (isMillraceError(error)) throw error;
      last = error;
    }
  }
  throw unreachable(target, last);
}

async function addressesOf(
  target: Target,
  { dialer, signal }: DialOptions,
): Promise<readonly string[]> {
  const { host } = target;
  const addresses =
    isIP(host) === 0
      ? await orAborted(dialer.resolve(host), signal).catch((error: unknown) => {
          signal.throwIfAborted();
          throw unreachable(target, error);
        })
      : [host];
  for (const address of addresses) target.checkAddress(address);
  if (addresses.length === 0) throw unreachable(target, new Error("the name has no address"));
  return addresses;
}

async function secured(socket: Socket, target: Target, options: DialOptions): Promise<Socket> {
  if (!target.secure) return socket;
  const { host } = target;
  const tls = connectTls({
    socket,
    host,
    ALPNProtocols: ["http/1.1"],
    ...(isIP(host) === 0 && { servername: host }),
    ...(options.ca !== undefined && { ca: options.ca }),
  });
  try {
    await opened(tls, "secureConnect", options.signal);
    return tls;
  } catch (error) {
    tls.destroy();
    throw error;
  }
}

function opened(
  socket: Socket,
  event: "connect" | "secureConnect",
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const abort = (): void => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    const settle = (then: () => void): void => {
      signal.removeEventListener("abort", abort);
      then();
    };
    socket.once(event, () => settle(resolve));
    // Stays: an error after this is told to whoever reads then, and must not end the process before.
    socket.on("error", (error) => settle(() => reject(error)));
    socket.once("close", () => settle(() => reject(new Error("the connection was closed"))));
  });
}

/** A lookup cannot be called off, but it need not be waited for. */
function orAborted<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const abort = (): void => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

function unreachable({ origin }: Target, cause: unknown): MillraceError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return dependencyDown(`${origin} cannot be reached: ${why}`, { cause });
}
