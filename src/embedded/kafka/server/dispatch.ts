/** From a frame to the handler of its request, and from what that answers to a frame. */

import type { Log } from "../../../model/environment.ts";
import { MalformedFrame } from "../codec/malformed-frame.ts";
import { decodeRequest, encodeResponse, UnsupportedRequest } from "../codec/frames.ts";
import { API_TABLES, type ApiName } from "../codec/generated/apis.ts";
import type { RequestHeader } from "../codec/generated/header.ts";
import type { Draft } from "../codec/draft.ts";
import type { Responses, Requests } from "../codec/generated/apis.ts";
import { unsupportedVersion } from "../handlers/api-versions.ts";
import type { Call, Handlers } from "../handlers/handler.ts";
import type { Reply } from "./request-line.ts";

/** What a connection knows of its client. */
export type Caller = Pick<Call, "clientHost" | "gone" | "may" | "claim" | "claimWhole" | "take">;

export interface DispatchOptions {
  readonly handlers: Handlers;
  readonly log: Log;
  /** Ends the connection: no answer can follow. */
  readonly hangUp: (why: string) => void;
  /** Resolves when others have had their turn: waited for between the steps of a request that is long. */
  readonly turn?: (() => Promise<void>) | undefined;
}

/** The key of the API that a frame names; undefined where it is too short for one. */
export function apiKeyOf(frame: Buffer): number | undefined {
  return frame.length < 2 ? undefined : frame.readInt16BE(0);
}

/**
 * Decodes the request, which keeps the frame alive where it has records, and answers it. Without a `turn`
 * everything up to the handler's first wait happens before this returns. Never rejects.
 */
export async function dispatch(
  frame: Buffer,
  caller: Caller,
  { handlers, log, hangUp, turn }: DispatchOptions,
): Promise<Reply> {
  let decoded: ReturnType<typeof decodeRequest>;
  try {
    decoded = decodeRequest(frame);
  } catch (error) {
    if (error instanceof UnsupportedRequest && error.apiKey === API_TABLES.ApiVersions.key) {
      const answer = unsupportedVersion(handlers) ?? {};
      return encodeResponse("ApiVersions", 0, error.correlationId, answer);
    }
    if (!isWireError(error)) throw error;
    hangUp(error.message);
    return undefined;
  }
  const { api, header, body } = decoded;
  try {
    if (turn !== undefined) await turn();
    return await answer(api, { header, body, turn }, caller, handlers);
  } catch (error) {
    if (error instanceof UnsupportedRequest) {
      hangUp(error.message);
      return undefined;
    }
    // Handlers answer what can go wrong, so this is a defect: the client finds a fresh connection.
    const facts = { api, version: header.requestApiVersion, error: describe(error) };
    log.error(facts, "a request of a Kafka client failed");
    hangUp(`${api} failed`);
    return undefined;
  }
}

/** Bytes that no handler can do anything with. */
export function isWireError(error: unknown): error is MalformedFrame | UnsupportedRequest {
  return error instanceof MalformedFrame || error instanceof UnsupportedRequest;
}

interface Decoded<Name extends ApiName> {
  readonly header: RequestHeader;
  readonly body: Requests[Name];
  readonly turn: DispatchOptions["turn"];
}

async function answer<Name extends ApiName>(
  api: Name,
  { header, body, turn }: Decoded<Name>,
  caller: Caller,
  handlers: Handlers,
): Promise<Reply> {
  const { requestApiVersion: version, correlationId, clientId } = header;
  const handler = handlers[api];
  if (handler === undefined) throw new UnsupportedRequest(API_TABLES[api].key, version, 0);
  const call: Call = { ...caller, version, clientId: clientId ?? "" };
  const response: Draft<Responses[Name]> | undefined = await handler(body, call);
  if (turn !== undefined) await turn();
  return response && encodeResponse(api, version, correlationId, response);
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
