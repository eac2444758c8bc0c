import { ERROR } from "../../error-codes.ts";
import type { Call } from "../handler.ts";

/** Whether the client may do anything with the transactional id, as an error code. */
export function idRefusal(id: string, call: Call): number {
  return call.may("write", "transaction", id)
    ? ERROR.NONE
    : ERROR.TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
}
