/**
 * SaslHandshake and SaslAuthenticate of a client that has come in already, or comes in without: there
 * is nothing to sign in to. Before that the connection's gate answers them (`server/sign-in-gate.ts`).
 */

import { ERROR } from "../error-codes.ts";
import type { Handlers } from "./handler.ts";

export function createSaslHandlers(): Required<
  Pick<Handlers, "SaslHandshake" | "SaslAuthenticate">
> {
  return {
    SaslHandshake: () => ({ errorCode: ERROR.ILLEGAL_SASL_STATE, mechanisms: [] }),
    SaslAuthenticate: () => ({
      errorCode: ERROR.ILLEGAL_SASL_STATE,
      errorMessage: "the client has signed in already, or need not",
      authBytes: Buffer.alloc(0),
    }),
  };
}
