/**
 * The id of a command that is asked under an id of the caller's choice.
 *
 * A broker drops a message whose id it has seen, so asking again under one id would reach nobody.
 * Therefore such a command travels under a new id each time, and names the one that counts in an
 * attribute. Whoever handles it goes by that: two messages of one command are the same command.
 *
 * A corrected copy of a command, on the other hand, is another command: it says something else, so it
 * must be handled although the first one perhaps was. But whoever waits for the answer knows only the
 * first one's id. So the copy carries that in an attribute of its own, and its answer names it.
 */

import type { Envelope } from "../../model/envelope.ts";
import type { Message } from "../../model/message.ts";

/** A CloudEvents attribute. */
export const COMMAND_ID = "commandid";

/** A CloudEvents attribute: the id of the command that this one answers for. */
const ANSWERS_FOR = "answersfor";

/** The message under the id that counts. */
export function underCommandId(message: Message): Message {
  const { envelope } = message;
  const id = envelope.kind === "command" ? envelope.extensions?.[COMMAND_ID] : undefined;
  return id === undefined || id === "" ? message : { ...message, envelope: { ...envelope, id } };
}

/** The id that an answer to the command names: its own, or that of the command it was corrected from. */
export function answeredId({ id, extensions }: Envelope): string {
  const corrected = extensions?.[ANSWERS_FOR];
  return corrected === undefined || corrected === "" ? id : corrected;
}

/**
 * The attributes of a corrected copy of the command. However often it is corrected, and under whatever
 * id it travelled, the copy answers for the command that somebody waits for.
 */
export function correctedAttributes(envelope: Envelope): Readonly<Record<string, string>> {
  const { [COMMAND_ID]: counts = "", ...kept } = envelope.extensions ?? {};
  const id = counts === "" ? envelope.id : counts;
  return { ...kept, [ANSWERS_FOR]: answeredId({ ...envelope, id }) };
}
