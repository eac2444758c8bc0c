/**
 * Which header stands before a message. It follows from the message's own encoding: flexible messages
 * have headers with tagged fields (request v2, response v1), others do not (request v1, response v0).
 *
 * Except one: the answer to ApiVersions always has the old header, because it is read by clients that
 * do not yet know which versions the broker speaks (KIP-511). For the same reason the client id in
 * request headers keeps its 16-bit length; the table says so.
 */

import { API_TABLES, type ApiName } from "./generated/apis.ts";
import { isFlexible } from "./message-codec.ts";

export function requestHeaderVersion(api: ApiName, version: number): number {
  return isFlexible(API_TABLES[api].request, version) ? 2 : 1;
}

export function responseHeaderVersion(api: ApiName, version: number): number {
  if (api === "ApiVersions") return 0;
  return isFlexible(API_TABLES[api].response, version) ? 1 : 0;
}
