/** How the client asks the door: every answer is a value or the error that the other side threw. */

import { MillraceError } from "../../model/errors.ts";
import { errorFromBody } from "../error-status.ts";
import { LINES_TYPE } from "../media-types.ts";

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
  get(path: string, query?: QueryValues, signal?: AbortSignal): Promise<string>;
  post(path: string, body: string, contentType: string): Promise<string>;
  /** As `post`, and a refusal, which is no error, is an answer too. */
  answer(path: string, question: Question): Promise<string>;
  /** The lines of the answer that are not empty, read as they are asked for; leaving the loop ends the request. */
  lines(path: string, query: QueryValues, signal?: AbortSignal): AsyncGenerator<string, void>;
}

export interface Question {
  readonly body: string;
  readonly contentType: string;
  readonly query?: QueryValues;
  readonly signal?: AbortSignal;
}

const REFUSED = 422;

interface Asked {
  readonly method?: "POST";
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** Whether a status beside 2xx, with its body, is an answer all the same. */
  readonly answered?: (status: number, body: unknown) => boolean;
}

/** One segment of a path. */
export function segment(name: string): string {
  // Of these, any URL parser makes another path. No name is like them: they go as a name that is not there.
  if (name === "" || name === "." || name === "..") return encodeURIComponent(`"${name}"`);
  return encodeURIComponent(name);
}

export function createRequests({ url, token }: ClientOptions, closing: AbortSignal): DoorRequests {
  const ask = async (
    path: string,
    { headers, signal: ending, answered, ...init }: Asked = {},
  ): Promise<Response> => {
    const signal = ending === undefined ? closing : AbortSignal.any([ending, closing]);
    try {
      const response = await fetch(new URL(path, url), {
        ...init,
        signal,
        headers: { ...headers, authorization: `Bearer ${token}` },
      });
      if (response.ok) return response;
      const text = await response.text();
      if (answered?.(response.status, parsed(text)) === true) return new Response(text);
      throw errorOf(response.status, text);
    } catch (error) {
      ending?.throwIfAborted();
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
    get: async (path, query = {}, signal?: AbortSignal) =>
      textOf(await ask(withQuery(path, query), signal === undefined ? {} : { signal })),
    post: async (path, body, contentType) =>
      textOf(await ask(path, { method: "POST", body, headers: { "content-type": contentType } })),
    answer: async (path, { body, contentType, query = {}, signal }) => {
      const init = {
        method: "POST",
        body,
        headers: { "content-type": contentType },
        answered: (status: number, answer: unknown) =>
          status === REFUSED && errorFromBody(answer) === undefined,
        ...(signal !== undefined && { signal }),
      } as const;
      return textOf(await ask(withQuery(path, query), init));
    },
    async *lines(path, query, ending) {
      const signal = ending === undefined ? closing : AbortSignal.any([ending, closing]);
      try {
        const headers = { accept: LINES_TYPE };
        const response = await ask(withQuery(path, query), { signal, headers });
        for await (const line of linesOf(response.body)) if (line !== "") yield line;
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

function errorOf(status: number, text: string): Error {
  const body = parsed(text);
  const error = errorFromBody(body);
  if (error !== undefined) return error;
  const told = typeof body === "object" && body !== null && "message" in body ? body.message : text;
  return new Error(`the door answered ${status}: ${String(told).slice(0, 300)}`);
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
