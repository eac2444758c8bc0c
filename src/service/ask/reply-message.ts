/**
 * Replies on their way: what answers a command that named an address for its answer.
 *
 * The address (`replyTo`) is a queue's name and, behind a `#`, the key that the reply shall carry,
 * percent-encoded: `shop.checkout.replies#o1`. No queue has a `#` in its name. With the key, whoever
 * asked finds the work that waits for the answer, without having to remember ids.
 *
 * A reply is a message of kind `reply` and type `millrace.reply`. Its causation is the command's id;
 * its payload has beside the verdict the id of the command that was asked, so that the payload alone
 * says what was answered. The two differ where a corrected copy was handled instead (`command-id.ts`):
 * `{"command":"…","ok":true,"reply":…}` or `{"command":"…","ok":false,"refusal":{"code":"…"}}`. Numbers
 * are kept as documents keep them, so a bigint comes back as one. `wrote`, where it is there, says what
 * a read has to wait for to see what the command did; see `Wrote`.
 */

import { encodeMessage } from "../../codecs/cloudevents.ts";
import type { Envelope } from "../../model/envelope.ts";
import { MillraceError } from "../../model/errors.ts";
import { LIMITS } from "../../model/limits.ts";
import type { RawMessage } from "../../model/message.ts";
import type { RefusalData } from "./answer.ts";
import { isWrote, type Wrote } from "./wrote.ts";
import { documentJson, parseDocument } from "../document-json.ts";
import type { Verdict } from "../part.ts";

export const REPLY_TYPE = "millrace.reply";

/** A reply as its receiver reads it. */
export interface ReplyData {
  /** The id of the command that it answers. */
  readonly command: string;
  readonly verdict: Verdict;
  /** Where what the command wrote is met, counted back from the reply's own place. */
  readonly wrote?: Wrote;
  /** The position token, where it is known without. */
  readonly token?: string;
}

export interface ReplyAddress {
  readonly queue: string;
  readonly key?: string;
}

/** Room for the envelope and the place, which the relay adds. */
const ENVELOPE_BYTES = 16_384;

export function formatReplyAddress({ queue, key }: ReplyAddress): string {
  return key === undefined ? queue : `${queue}#${encodeURIComponent(key)}`;
}

/** Throws BAD_ENVELOPE for a text that is no address. */
export function parseReplyAddress(text: string): ReplyAddress {
  const [, queue, key] = /^([A-Za-z0-9][A-Za-z0-9._-]*)(?:#(.+))?$/.exec(text) ?? [];
  try {
    if (queue !== undefined) {
      return key === undefined ? { queue } : { queue, key: decodeURIComponent(key) };
    }
  } catch {
    // No percent-encoding; refused below like any other text that is no address.
  }
  throw new MillraceError(
    "BAD_ENVELOPE",
    `the message's replyTo ${JSON.stringify(text)} is no address; write a queue's name and, behind a "#", the percent-encoded key of the reply`,
    { details: { field: "replyTo" } },
  );
}

/**
 * The reply to a command, ready for the outbox. `envelope` is what whoever answers knows; kind, type
 * and version are the reply's own. Throws BAD_PAYLOAD where JSON cannot carry the answer,
 * TOO_LARGE.
 */
export function encodeReply(
  envelope: Omit<Envelope, "kind" | "type" | "version">,
  answer: ReplyData,
): RawMessage {
  const { command } = answer;
  const reply = { ...envelope, kind: "reply", type: REPLY_TYPE, version: 1 } as const;
  const value = new TextEncoder().encode(replyJson(answer));
  if (value.length > LIMITS.messageBytesMax - ENVELOPE_BYTES) {
    throw new MillraceError(
      "TOO_LARGE",
      `the answer to command ${command} has ${value.length} bytes, at most ${LIMITS.messageBytesMax - ENVELOPE_BYTES} are allowed; keep large content elsewhere and answer with its address`,
      { details: { command, bytes: value.length } },
    );
  }
  return encodeMessage(reply, value);
}

/** A reply's payload; an answer is also kept so. Throws BAD_PAYLOAD where JSON cannot carry it. */
export function replyJson({ command, verdict, wrote, token }: ReplyData): string {
  return documentJson({ command, ...verdict, wrote, token });
}

/** Reads a reply's payload. Throws BAD_PAYLOAD naming the field. */
export function decodeReply(raw: RawMessage): ReplyData {
  return replyOf(payloadOf(raw));
}

/** Reads what `replyJson` wrote. */
export function parseReply(json: string): ReplyData {
  return replyOf(parseDocument(json));
}

function replyOf(data: unknown): ReplyData {
  const fields: ReadonlyMap<string, unknown> = new Map(Object.entries(data ?? {}));
  const command = fields.get("command");
  if (typeof command !== "string" || command === "") throw badReply("command");
  const wrote = fields.get("wrote");
  if (wrote !== undefined && !isWrote(wrote)) throw badReply("wrote");
  const token = fields.get("token");
  if (token !== undefined && typeof token !== "string") throw badReply("token");
  if (fields.get("ok") === true) {
    const reply = fields.get("reply");
    const verdict = { ok: true, ...(reply !== undefined && { reply }) } as const;
    return {
      command,
      verdict,
      ...(wrote !== undefined && { wrote }),
      ...(token !== undefined && { token }),
    };
  }
  if (fields.get("ok") !== false) throw badReply("ok");
  const refusal = fields.get("refusal");
  if (!isRefusal(refusal)) throw badReply("refusal");
  return { command, verdict: { ok: false, refusal } };
}

function payloadOf({ value }: RawMessage): unknown {
  try {
    return value === null ? null : parseDocument(new TextDecoder().decode(value));
  } catch (cause) {
    throw badReply("data", cause);
  }
}

function isRefusal(value: unknown): value is RefusalData {
  return (
    typeof value === "object" && value !== null && "code" in value && typeof value.code === "string"
  );
}

function badReply(field: string, cause?: unknown): MillraceError {
  return new MillraceError("BAD_PAYLOAD", `${REPLY_TYPE}: ${field} is missing or of another kind`, {
    cause,
    details: { type: REPLY_TYPE, fields: [field] },
  });
}
