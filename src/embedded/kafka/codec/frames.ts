/**
 * Whole requests and responses: what a connection carries.
 *
 *     length int32 | header | body
 *
 * The length counts what follows it. Frames to read are given without it, because whoever cuts the
 * connection's bytes into frames has consumed it (and has refused those that are too long); frames
 * written begin with it. A response names neither its API nor its version: only who sent the request
 * knows how to read the answer.
 */

import { apiOfKey, isServed } from "./api-keys.ts";
import type { Draft } from "./draft.ts";
import { API_TABLES, type ApiName, type Requests, type Responses } from "./generated/apis.ts";
import {
  requestHeader,
  responseHeader,
  type RequestHeader,
  type ResponseHeader,
} from "./generated/header.ts";
import { readMessage, writeAnswer, writeMessage } from "./message-codec.ts";
import { requestHeaderVersion, responseHeaderVersion } from "./request-header.ts";
import { WireReader } from "./wire-reader.ts";
import { WireWriter } from "./wire-writer.ts";

/** A request of any API: `api` tells which, and with it the type of the body. */
export type DecodedRequest = {
  readonly [Name in ApiName]: RequestOf<Name>;
}[ApiName];

export interface RequestOf<Name extends ApiName> {
  readonly api: Name;
  readonly header: RequestHeader;
  readonly body: Requests[Name];
}

export interface DecodedResponse<Name extends ApiName> {
  readonly header: ResponseHeader;
  readonly body: Responses[Name];
}

/**
 * A well-formed request of an API or version that is not served. An ApiVersions request among them is
 * to be answered in version 0 with UNSUPPORTED_VERSION, so that the client can choose another; to all
 * others there is no answer that the client could read.
 */
export class UnsupportedRequest extends Error {
  override readonly name = "UnsupportedRequest";
  readonly apiKey: number;
  readonly version: number;
  readonly correlationId: number;

  constructor(apiKey: number, version: number, correlationId: number) {
    super(`api key ${apiKey} in version ${version} is not served`);
    this.apiKey = apiKey;
    this.version = version;
    this.correlationId = correlationId;
  }
}

/**
 * Reads a frame that a client sent. Records in it are views of the frame. Bytes behind the message are
 * ignored, as Kafka ignores them. Throws MalformedFrame or UnsupportedRequest.
 */
export function decodeRequest(frame: Buffer): DecodedRequest {
  const start = new WireReader(frame);
  start.field = "RequestHeader";
  const [key, version, correlationId] = [start.int16(), start.int16(), start.int32()];
  const api = apiOfKey(key);
  if (api === undefined || !isServed(api, version)) {
    throw new UnsupportedRequest(key, version, correlationId);
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the API and its body's type go together
  return decodeServed(api, version, frame) as DecodedRequest;
}

function decodeServed<Name extends ApiName>(
  api: Name,
  version: number,
  frame: Buffer,
): RequestOf<Name> {
  const wire = new WireReader(frame);
  const header = readMessage(requestHeader, requestHeaderVersion(api, version), wire);
  return { api, header, body: readMessage(API_TABLES[api].request, version, wire) };
}

/**
 * The response in pieces, its length first. Records are pieces of their own, uncopied. What the version
 * has no form for is left out.
 */
export function encodeResponse<Name extends ApiName>(
  api: Name,
  version: number,
  correlationId: number,
  body: Draft<Responses[Name]>,
): Buffer[] {
  return encodeFrame((wire) => {
    writeMessage(responseHeader, responseHeaderVersion(api, version), wire, { correlationId });
    writeAnswer(API_TABLES[api].response, version, wire, body);
  });
}

/** The client's side of `decodeRequest`. */
export function encodeRequest<Name extends ApiName>(
  api: Name,
  version: number,
  { correlationId, clientId }: Pick<RequestHeader, "correlationId" | "clientId">,
  body: Draft<Requests[Name]>,
): Buffer[] {
  const { key, request } = API_TABLES[api];
  const header = { requestApiKey: key, requestApiVersion: version, correlationId, clientId };
  return encodeFrame((wire) => {
    writeMessage(requestHeader, requestHeaderVersion(api, version), wire, header);
    writeMessage(request, version, wire, body);
  });
}

/** The client's side of `encodeResponse`: a frame without its length. Throws MalformedFrame. */
export function decodeResponse<Name extends ApiName>(
  api: Name,
  version: number,
  frame: Buffer,
): DecodedResponse<Name> {
  const wire = new WireReader(frame);
  const header = readMessage(responseHeader, responseHeaderVersion(api, version), wire);
  return { header, body: readMessage(API_TABLES[api].response, version, wire) };
}

function encodeFrame(write: (wire: WireWriter) => void): Buffer[] {
  const wire = new WireWriter();
  wire.int32(0);
  write(wire);
  const bytes = wire.length;
  const pieces = wire.finish();
  pieces[0]!.writeInt32BE(bytes - 4);
  return pieces;
}
