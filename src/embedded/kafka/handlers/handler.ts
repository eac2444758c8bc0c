/** What a request's handler is given, and what it gives back. */

import type { Action, ResourceKind } from "../../../broker/rules.ts";
import type { Draft } from "../codec/draft.ts";
import type { ApiName, Requests, Responses } from "../codec/generated/apis.ts";

/** Who asks, in which version. */
export interface Call {
  readonly version: number;
  readonly clientId: string;
  readonly clientHost: string;
  /** Whether the rules let this client do it. */
  readonly may: (action: Action, kind: ResourceKind, name: string) => boolean;
  /**
   * How many of so many bytes the answer may have now, never none. They count as held by this client
   * until the request is answered, or until it claims anew: 0 while it waits for something to tell.
   */
  readonly claim: (bytes: number) => number;
  /**
   * Claims all of so many bytes, for what cannot be cut. Resolves when they may be held, which takes as
   * long as others hold too much; false where the client has gone by then.
   */
  readonly claimWhole: (bytes: number) => Promise<boolean>;
  /** Memory for the answer's records: it is used again when the answer has left. */
  readonly take: (bytes: number) => Buffer;
  /** Aborts when the connection ends: nobody waits for the answer any more. */
  readonly gone: AbortSignal;
}

/** Undefined where the client wants no answer. */
export type Answer<Name extends ApiName> = Draft<Responses[Name]> | undefined;

/**
 * Answers a request. What it throws is a defect, and ends the connection; what can go wrong has a code
 * of the protocol in the answer.
 */
export type Handler<Name extends ApiName> = (
  request: Requests[Name],
  call: Call,
) => Answer<Name> | Promise<Answer<Name>>;

export type Handlers = { readonly [Name in ApiName]?: Handler<Name> };
