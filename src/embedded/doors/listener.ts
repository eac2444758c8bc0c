/** A door's listener: plain on loopback, TLS anywhere, for whichever protocol is spoken behind it. */

import { readFile } from "node:fs/promises";
import { createServer as createPlain, type AddressInfo, type Server, type Socket } from "node:net";
import { networkInterfaces } from "node:os";
import { resolve as resolvePath } from "node:path";
import type { DoorProtocol, ListenSettings, TlsSettings } from "../../broker/doors.ts";
import { MillraceError } from "../../model/errors.ts";
import type { Warn } from "./limited-log.ts";

/** A TLS handshake that takes longer is given up: until then it has cost two round trips. */
const HANDSHAKE_MS = 10_000;
/** Connections in the kernel's line while this process is busy; beyond it clients try again. */
const BACKLOG = 4_096;

export interface ListenerOptions {
  readonly door: DoorProtocol;
  readonly settings: ListenSettings;
  /** Beyond it new connections are closed at once. */
  readonly connectionsMax: number;
  readonly warn: Warn;
  readonly onConnection: (socket: Socket) => void;
}

export interface Listener {
  /** Where it listens. */
  readonly host: string;
  readonly port: number;
  /** What clients are told to connect to. */
  readonly advertised: { readonly host: string; readonly port: number };
  /** Takes no new connections; resolves when those that there are have ended. */
  close(): Promise<void>;
}

/** Throws BAD_CONFIG where the port is taken or not to be had, and for keys that cannot be read. */
export async function openListener(options: ListenerOptions): Promise<Listener> {
  const { door, settings, connectionsMax, warn, onConnection } = options;
  // Clients look up `localhost`, get ::1 first, and stop there.
  const host =
    settings.host === undefined || settings.host === "localhost" ? "127.0.0.1" : settings.host;
  const server = await createServer(door, settings.tls, onConnection, warn);
  server.maxConnections = connectionsMax;
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => reject(cannotListen(door, host, settings.port, error)));
    server.listen({ port: settings.port, host, backlog: BACKLOG }, resolve);
  });
  // A process that is out of files cannot take a connection; those that it has go on.
  server.on("error", (error) => warn({ door, error: error.message }, "the listener failed"));
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a listener on a port has such an address
  const { port } = server.address() as AddressInfo;
  const told = settings.advertised;
  return {
    host,
    port,
    advertised: { host: told?.host ?? reachable(host), port: told?.port ?? port },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

async function createServer(
  door: DoorProtocol,
  tls: TlsSettings | undefined,
  onConnection: (socket: Socket) => void,
  warn: Warn,
): Promise<Server> {
  if (tls === undefined) return createPlain(onConnection);
  // Loaded for those alone who want it.
  const { createServer: createTls } = await import("node:tls");
  // One after another: where several cannot be read, it is always the first that is told.
  const key = await pem(door, "key", tls.key);
  const cert = await pem(door, "cert", tls.cert);
  const ca = tls.ca === undefined ? undefined : await pem(door, "ca", tls.ca);
  try {
    const server = createTls(
      {
        key,
        cert,
        minVersion: "TLSv1.2",
        handshakeTimeout: HANDSHAKE_MS,
        ...(tls.passphrase !== undefined && { passphrase: tls.passphrase }),
        ...(ca !== undefined && { ca, requestCert: true, rejectUnauthorized: true }),
      },
      onConnection,
    );
    server.on("tlsClientError", (error, socket) => {
      const facts = { door, client: socket.remoteAddress ?? "", why: error.message };
      warn(facts, "a TLS handshake failed");
    });
    return server;
  } catch (error) {
    throw badTls(
      door,
      "key",
      error,
      "is it the key of this certificate, and its passphrase right?",
    );
  }
}

/** PEM text as it is, and the contents of a file otherwise. */
async function pem(
  door: DoorProtocol,
  name: "key" | "cert" | "ca",
  value: string,
): Promise<string> {
  if (value.includes("-----BEGIN")) return value;
  try {
    return await readFile(value, "utf8");
  } catch (error) {
    throw badTls(
      door,
      name,
      error,
      `give PEM text, or the path of a file with it; a path that is not absolute begins at ${resolvePath()}`,
    );
  }
}

/** The text tells no value: a key that was pasted wrongly would stand in the log. */
function badTls(door: DoorProtocol, name: string, cause: unknown, remedy: string): MillraceError {
  const code: unknown = cause instanceof Error && "code" in cause ? cause.code : undefined;
  const why = typeof code === "string" ? ` (${code})` : "";
  const key = `${door}.tls.${name}`;
  return new MillraceError("BAD_CONFIG", `${key} cannot be used${why}; ${remedy}`, {
    details: { key },
  });
}

function cannotListen(door: DoorProtocol, host: string, port: number, cause: Error): MillraceError {
  return new MillraceError(
    "BAD_CONFIG",
    `the ${door} door cannot listen on ${host}:${port} (${cause.message}); take another port, or 0 for any free one`,
    { cause, details: { key: `${door}.port`, host, port } },
  );
}

/** Every address of this machine is none that a client can connect to: tell it one of them. */
function reachable(host: string): string {
  if (host !== "0.0.0.0" && host !== "::") return host;
  const addresses = Object.values(networkInterfaces()).flatMap((found) => found ?? []);
  const outward = addresses.find(({ family, internal }) => family === "IPv4" && !internal);
  return outward?.address ?? "127.0.0.1";
}
