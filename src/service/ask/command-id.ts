/**
 * The id of a command that is asked under an id of the caller's choice.
 *
 * A broker drops a message whose id it has seen, so asking again under one id would reach nobody.
 * Therefore such a command travels under a new id each time, and names the one that counts in an
 * attribute. Whoever handles it goes by that: two messages of one command are the same command.
 */

import type { Message } from "../../model/message.ts";

/** A CloudEvents attribute. */
export const COMMAND_ID = "commandid";

/** The message under the id that counts. */
export function underCommandId(message: Message): Message {
  const { envelope } = message;
  const id = envelope.kind === "command" ? envelope.extensions?.[COMMAND_ID] : undefined;
  return id === undefined || id === "" ? message : { ...message, envelope: { ...envelope, id } };
}
