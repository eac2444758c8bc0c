/** From what a command's handler returned to the verdict that is told and kept. */

import { MillraceError } from "../../model/errors.ts";
import type { CommandType, MessageType } from "../../schema/declaration.ts";
import { readReply } from "../../schema/payload.ts";
import type { Verdict } from "../part.ts";
import { Refusal, Reply } from "./answer.ts";

export const DONE: Verdict = { ok: true };

export function isCommandType(type: MessageType): type is CommandType {
  return type.kind === "command";
}

/** Throws BAD_DECLARATION for a code that the command does not declare. */
export function refused(type: CommandType, refusal: Refusal): Verdict {
  const { code, message, details } = refusal;
  if (type.refuses.includes(code)) {
    return {
      ok: false,
      refusal: {
        code,
        ...(message !== undefined && { message }),
        ...(details !== undefined && { details }),
      },
    };
  }
  throw new MillraceError(
    "BAD_DECLARATION",
    `the handler of ${type.type} refused with "${code}", which the command does not declare; add it to its refuses`,
    { details: { type: type.type, code } },
  );
}

/**
 * Throws BAD_PAYLOAD where the answer does not fit the command's `replies`, and where a command that
 * declares none is answered.
 */
export function replied(type: CommandType, result: unknown): Verdict {
  const data = result instanceof Reply ? result.data : result;
  if (type.replies === undefined && data === undefined) return DONE;
  readReply(type, data);
  return { ok: true, reply: data };
}
