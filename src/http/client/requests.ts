/** How the client asks the door: every answer is a value or the error that the other side threw. */

import { MillraceError } from "../../model/errors.ts";
import { errorFromBody } from "../error-status.ts";

export interface ClientOptions {
  /** `http://127.0.0.1:4222` */
  readonly url: string;
  readonly token: string;
}

/** Values of the query; what is undefined is left out. */
export type QueryValues = Readonly<
  Record<string, string | number | boolean | readonly string[] | undefined>
>;

export interface DoorRequests {
  get(path: string, query?: QueryValues): Promise<string>;
  post(path: string, body: string, contentType: string): Promise<string>;
  /** The lines of the answer, read as they are asked for; leaving the loop ends the request. */
  lines(path: string, query: QueryValues, signal?: AbortSignal): AsyncGenerator<string, void>;
}

interface Asked {
  readonly method?: "POST";
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** One segment of a path. */
export function segment(name: string): string {
  // Of these, any URL parser makes another path. No name is like them: they go as a name that is not there.
  if (name === "" || name === "." || name === "..") return encodeURIComponent(`"${name}"`);
  return encodeURIComponent(name);
}

export function createRequests({ url, token }: ClientOptions, closing: AbortSignal): DoorRequests {
  const ask = async (path: string, { headers, ...init }: Asked = {}): Promise<Response> => {
    const { signal = closing } = init;
    try {
      const response = await fetch(new URL(path, url), {
        ...init,
        signal,
        headers: { ...headers, authorization: `Bearer ${token}` },
      });
      if (response.ok) return response;
      throw await errorOf(response);
    } catch (error) {
      throw asMillraceError(error, url, closing);
    }
  };
  const textOf = async (response: Response): Promise<string> => {
    try {
      return await response.text();
    } catch (error) {
      throw asMillraceError(error, url, closing);
    }
  };
  return {
    get: async (path, query = {}) => textOf(await ask(withQuery(path, query))),
    post: async (path, body, contentType) =>
      textOf(await ask(path, { method: "POST", body, headers: { "content-type": contentType } })),
    async *lines(path, query, ending) {
      const signal = ending === undefined ? closing : AbortSignal.any([ending, closing]);
      try {
        const headers = { accept: "application/x-ndjson" };
        const response = await ask(withQuery(path, query), { signal, headers });
        yield* linesOf(response.body);
      } catch (error) {
        if (signal.aborted) return;
        throw asMillraceError(error, url, closing);
      }
    },
  };
}

function withQuery(path: string, query: QueryValues): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue;
    for (const each of Array.isArray(value) ? value : [value])
      parameters.append(name, String(each));
  }
  return parameters.size === 0 ? path : `${path}?${parameters.toString()}`;
}

async function errorOf(response: Response): Promise<Error> {
  const text = await response.text();
  const body = parsed(text);
  const error = errorFromBody(body);
  if (error !== undefined) return error;
  const told = typeof body === "object" && body !== null && "message" in body ? body.message : text;
  return new Error(`the door answered ${response.status}: ${String(told).slice(0, 300)}`);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** `fetch` throws a TypeError for whatever happens to the connection. */
function asMillraceError(error: unknown, url: string, closing: AbortSignal): unknown {
  if (closing.aborted) {
    return new MillraceError("CLOSED", "this client was closed; open another one", {
      cause: error,
    });
  }
  if (!(error instanceof TypeError)) return error;
  return new MillraceError(
    "UNREACHABLE",
    `nothing answers at ${url}, or the connection broke; start it with "millrace start", ` +
      "and look first whether a change that was asked for took effect",
    { cause: error, details: { url } },
  );
}

async function* linesOf(body: ReadableStream<Uint8Array> | null): AsyncGenerator<string, void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of body ?? []) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
  if (rest !== "") yield rest;
}
