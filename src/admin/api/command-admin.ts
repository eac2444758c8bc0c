/** Commands by hand and through the door. */

import type { RefusalData } from "../../service/ask/answer.ts";
import type { Published, PublishRequest } from "../admin.ts";

/** What `ask` resolves to; a refusal is an answer and no error. */
export type ShownAnswer =
  | {
      readonly ok: true;
      /** Reads that are given it see what the command did. */
      readonly token: string;
      /** The handler's reply as JSON text, where it gave one. */
      readonly replyJson?: string;
    }
  | { readonly ok: false; readonly refusal: RefusalData };

export interface AskOptions {
  /** How long the answer may take; 10,000 unless said. */
  readonly deadlineMs?: number;
  /** Ends the waiting; the command may be handled all the same. */
  readonly signal?: AbortSignal;
}

export interface CommandAdmin {
  /**
   * Sends a command and waits for its answer. Asked again with the same id, it gives the same answer
   * and does nothing twice. Throws DEADLINE, PARKED, UNREACHABLE where nothing that handles the
   * command runs, and what `send` throws.
   */
  ask(command: PublishRequest, options?: AskOptions): Promise<ShownAnswer>;
  /** Resolves when the command is durable in its queue. Throws as an item of `publish` fails, and
   * BAD_ARGUMENT for an event. */
  send(command: PublishRequest): Promise<Published>;
}
