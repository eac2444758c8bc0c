/** `millrace/contract`: the words that services share, without the runtime: only `model` and `schema`. */

export type { Envelope } from "../model/envelope.ts";
export {
  ERROR_CODES,
  isMillraceError,
  MillraceError,
  type ErrorCode,
  type ErrorDetails,
} from "../model/errors.ts";
export type { Draft, Message } from "../model/message.ts";
export { queue, stream, type QueueOptions, type StreamOptions } from "./channel.ts";
export type {
  Channel,
  CommandType,
  DraftOf,
  EventType,
  InputOf,
  JsonSchema,
  MessageType,
  OutputOf,
  QueueDeclaration,
  StreamDeclaration,
  SubscriptionDeclaration,
} from "./declaration.ts";
export { command, event, timer } from "./message-type.ts";
export { subscription, type SubscriptionOptions } from "./subscription.ts";
