/**
 * The queue to which a part's commands are answered: `SERVICE.PART.replies`. It is the part's own, and
 * one of the channels that it reads; see `reply-message.ts` for what it carries.
 */

import type { CommandType, QueueDeclaration } from "../../schema/declaration.ts";
import { queue } from "../../schema/channel.ts";
import { command } from "../../schema/message-type.ts";
import type { Part } from "../part.ts";
import { REPLY_TYPE } from "./reply-message.ts";

/**
 * Declared as a command, because queues carry nothing else; its kind on the wire is `reply`. Whoever
 * reads one takes it from the message as it came: see `decodeReply`.
 */
const Reply: CommandType = command(
  REPLY_TYPE,
  { "~standard": { version: 1, vendor: "millrace", validate: (value) => ({ value }) } },
  {
    jsonSchema: {
      type: "object",
      properties: {
        command: { type: "string" },
        ok: { type: "boolean" },
        reply: true,
        refusal: { type: "object" },
      },
      required: ["command", "ok"],
    },
  },
);

export function replyQueueName(service: string, consumer: string): string {
  return `${service}.${consumer}.replies`;
}

/** The part as it stands in a service: one whose commands are answered also reads the answers. */
export function withReplyQueue(service: string, part: Part): Part {
  if (part.answered !== true) return part;
  const { attempts } = part.policy;
  const replies: QueueDeclaration = queue(
    replyQueueName(service, part.consumer),
    { Reply },
    { attempts },
  );
  return Object.freeze({ ...part, from: [...part.from, replies] });
}
