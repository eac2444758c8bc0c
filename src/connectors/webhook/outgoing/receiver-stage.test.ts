/** What tests of outgoing webhooks share: somebody else's server, and a name that leads to it. */

import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { connect, type AddressInfo } from "node:net";
import type { Dialer } from "./dial.ts";

export interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** The name that the client asked for when it secured the connection. */
  readonly servername: string | undefined;
}

export type Answerer = (received: Received, response: ServerResponse) => void;

export interface Receiver extends AsyncDisposable {
  readonly port: number;
  /** Oldest first. */
  readonly received: readonly Received[];
}

/** For `hooks.example`, trusted where it is given as `ca`. */
export const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBoTCCAUegAwIBAgIUbrUPPMeXFxsVk6y6MFtWwuwgTg4wCgYIKoZIzj0EAwIw
GDEWMBQGA1UEAwwNaG9va3MuZXhhbXBsZTAgFw0yNjExMjExMzU0NDVaGA8yMTI2
MTAyODEzNTQ0NVowGDEWMBQGA1UEAwwNaG9va3MuZXhhbXBsZTBZMBMGByqGSM49
AgEGCCqGSM49AwEHA0IABGNY/Pk/WTwpgvv3X/vQL+ZFaznu3S77f7GUIjxw24GB
+o915JFcDfDwEd4+nMwnNGKi73ZYP/YAxxyg0BeLITCjbTBrMB0GA1UdDgQWBBSX
CyOQZWXjkzxydZVNNwteAjOWlTAfBgNVHSMEGDAWgBSXCyOQZWXjkzxydZVNNwte
AjOWlTAPBgNVHRMBAf8EBTADAQH/MBgGA1UdEQQRMA+CDWhvb2tzLmV4YW1wbGUw
CgYIKoZIzj0EAwIDSAAwRQIhAOQRzOefnh4A7jEUtGsirZLYEMgaSZiKB44/zwRk
XpdsAiA/ZhSvKb8G2J9OHqi98FCdlINAcgJ4FG6aIO4Ir6n62A==
-----END CERTIFICATE-----`;
const PRIVATE_KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgdxw0x9XwrMKqT8ga
rvEqGApG11PE2zvsJ1D1zn+fNfuhRANCAARjWPz5P1k8KYL791/70C/mRWs57t0u
+3+xlCI8cNuBgfqPdeSRXA3w8BHePpzMJzRiou92WD/2AMccoNAXiyEw
-----END PRIVATE KEY-----`;

export const SECRET: string = `whsec_${Buffer.alloc(32, 5).toString("base64")}`;

export async function openReceiver(
  answer: Answerer,
  options: { readonly secure?: boolean } = {},
): Promise<Receiver> {
  const received: Received[] = [];
  const server = options.secure
    ? createSecureServer({ cert: CERTIFICATE, key: PRIVATE_KEY })
    : createServer();
  server.on("request", (request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const servername: unknown = Reflect.get(request.socket, "servername");
      const entry = {
        path: request.url ?? "",
        headers: request.headers,
        body: Buffer.concat(chunks),
        servername: typeof servername === "string" ? servername : undefined,
      };
      received.push(entry);
      answer(entry, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it listens on a port
  const { port } = server.address() as AddressInfo;
  return {
    port,
    received,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export function status(code: number, headers: Readonly<Record<string, string>> = {}): Answerer {
  return (_, response) => {
    response.writeHead(code, headers).end();
  };
}

/**
 * Names as the list says, each question the next answer, the last one for good; and connections to
 * any address go to this machine. `dialled` are the addresses that were asked for.
 */
export function dialerTo(...answers: readonly (readonly string[])[]): Dialer & {
  readonly dialled: readonly string[];
} {
  const dialled: string[] = [];
  const left = [...answers];
  return {
    dialled,
    resolve: async () => (left.length > 1 ? left.shift()! : left[0]!),
    connect: ({ address, port }) => {
      dialled.push(address);
      return connect({ host: "127.0.0.1", port });
    },
  };
}
