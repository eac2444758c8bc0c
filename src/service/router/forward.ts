/** Passing a message on: a copy with an identity of its own and not a byte of the payload changed. */

import { encodeHeaders } from "../../codecs/cloudevents.ts";
import { assert } from "../../model/assert.ts";
import type { Envelope } from "../../model/envelope.ts";
import { MillraceError } from "../../model/errors.ts";
import { LIMITS } from "../../model/limits.ts";
import type { Header, Message, RawMessage } from "../../model/message.ts";
import type { Attributes } from "../../schema/declaration.ts";
import type { OutgoingMessage } from "../../store/write-set.ts";
import { sizeOf } from "../message-reader.ts";

export interface ForwardOptions {
  readonly target: OutgoingMessage["target"];
  readonly id: string;
  /** The service that forwards. */
  readonly source: string;
  /** Put over the attributes that the message has. */
  readonly attributes: Attributes | undefined;
}

/** Room for the place, which the relay adds. */
const PLACE_BYTES = 1024;

/**
 * The copy: caused by the original, of the same conversation, with the same type, version, key, time,
 * actor and trace. Its place and its count of tries are those of another delivery, and are left out,
 * as is the link to the message before the original in its own chain.
 *
 * Throws TOO_LARGE where what is added brings it over the limit of a message.
 */
export function forward(message: Message, options: ForwardOptions): OutgoingMessage {
  const { raw } = message;
  assert(raw !== undefined, "whoever forwards is given messages with what they were read from");
  const { place: _, attempt: __, previousHash: ___, ...kept } = message.envelope;
  const { target, id, source, attributes } = options;
  const envelope: Envelope = {
    ...kept,
    id,
    source,
    causation: kept.id,
    correlation: kept.correlation ?? kept.id,
    ...(attributes !== undefined && { extensions: { ...kept.extensions, ...attributes } }),
  };
  const copy: RawMessage = {
    key: raw.key ?? envelope.key ?? null,
    headers: [...encodeHeaders(envelope), ...raw.headers.filter(isForeign)],
    value: raw.value,
  };
  const bytes = sizeOf(copy);
  const bytesMax = LIMITS.messageBytesMax - PLACE_BYTES;
  if (bytes > bytesMax) {
    throw new MillraceError(
      "TOO_LARGE",
      `the copy of ${kept.type} for ${target.kind} "${target.name}" has ${bytes} bytes, at most ${bytesMax} are allowed; set fewer attributes`,
      { details: { type: kept.type, bytes } },
    );
  }
  return { target, message: copy };
}

/** Headers that are no part of the envelope travel along. */
function isForeign([name]: Header): boolean {
  return !name.startsWith("ce_") && name !== "content-type";
}
