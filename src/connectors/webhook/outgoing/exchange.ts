/** One request and its answer over a connection that stands. */

import { request, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { dependencyDown } from "../../../service/failure.ts";
import type { Target } from "./target.ts";

export interface Answer {
  readonly status: number;
  /** The headers that say what to do next; undefined where absent. */
  readonly retryAfter: string | undefined;
  readonly location: string | undefined;
  /** The first bytes of the body, as text that can be printed. */
  readonly beginning: string;
}

export interface ExchangeOptions {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** Ends it; its reason is what is thrown. */
  readonly signal: AbortSignal;
  /** The answer's headers have come. */
  readonly answered: () => void;
}

/** An answer's body is read so far, so that the other side may end in peace; what is longer is cut off. */
const BODY_BYTES_MAX = 64 * 1024;
const BEGINNING_BYTES = 500;

/** Throws DEPENDENCY_DOWN where the connection fails, and the signal's reason. */
export function exchange(
  socket: Socket,
  target: Target,
  { headers, body, signal, answered }: ExchangeOptions,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { url, origin } = target;
    let begun = false;
    const fail = (error: unknown): void => {
      socket.destroy();
      if (begun) return;
      const why = error instanceof Error ? error.message : String(error);
      reject(
        signal.aborted
          ? signal.reason
          : dependencyDown(`${origin} broke off: ${why}`, { cause: error }),
      );
    };
    signal.throwIfAborted();
    const abort = (): void => fail(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    const call = request({
      createConnection: () => socket,
      method: "POST",
      // The socket stands already, also a TLS one: what is spoken over it is HTTP.
      protocol: "http:",
      host: target.host,
      path: url.pathname + url.search,
      setDefaultHeaders: false,
      headers: {
        ...headers,
        host: url.host,
        "content-length": String(body.length),
        connection: "close",
      },
    });
    call.on("error", fail);
    call.on("close", () => {
      signal.removeEventListener("abort", abort);
      fail(new Error("the connection was closed without an answer"));
    });
    call.on("upgrade", () => fail(new Error("it asked to speak another protocol")));
    call.on("response", (response) => {
      begun = true;
      answered();
      const { statusCode: status = 0, headers: given } = response;
      readBeginning(response).then((beginning) => {
        socket.destroy();
        resolve({
          status,
          retryAfter: given["retry-after"],
          location: given.location,
          beginning,
        });
      }, reject);
    });
    call.end(body);
  });
}

/** A body that breaks off, or is not done in time, changes nothing: the status has been said. */
async function readBeginning(response: IncomingMessage): Promise<string> {
  const kept: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response) {
      const part: Buffer = chunk;
      if (bytes < BEGINNING_BYTES) kept.push(part.subarray(0, BEGINNING_BYTES - bytes));
      bytes += part.length;
      if (bytes > BODY_BYTES_MAX) break;
    }
  } catch {
    // What came until then is all there is to show.
  }
  return printable(Buffer.concat(kept).toString("utf8"));
}

function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Co}\p{Cn}\uFFFD]+/gu, " ").trim();
}
