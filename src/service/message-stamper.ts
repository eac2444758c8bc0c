/**
 * Stamping drafts: from what user code returns to what the outbox keeps. The identity given here is
 * the message's for ever; only its place is added later, in the commit.
 */

import { encodeMessage } from "../codecs/cloudevents.ts";
import { jsonCodec, type JsonCodec } from "../codecs/json.ts";
import type { Envelope, TraceContext } from "../model/envelope.ts";
import type { Environment } from "../model/environment.ts";
import { MillraceError } from "../model/errors.ts";
import { LIMITS } from "../model/limits.ts";
import type { Draft, Message } from "../model/message.ts";
import type { Channel, MessageType } from "../schema/declaration.ts";
import { checkPayload } from "../schema/payload.ts";
import type { OutgoingMessage } from "../store/write-set.ts";
import { sizeOf } from "./message-reader.ts";

/** What is known of a message beside type and data. */
export interface Stamp {
  readonly id?: string;
  /** When it happened; the moment of stamping unless said. */
  readonly time?: number;
  readonly correlation?: string;
  readonly causation?: string;
  readonly actor?: string;
  readonly trace?: TraceContext;
}

interface Destination {
  readonly type: MessageType;
  readonly codec: JsonCodec;
  readonly target: OutgoingMessage["target"];
}

export class MessageStamper {
  readonly #source: string;
  readonly #environment: Environment;
  readonly #who: string;
  readonly #destinations = new Map<string, Destination[]>();

  /** `who` names the asker in refusals: `consumer "refunds"`. */
  constructor(options: {
    readonly source: string;
    readonly who: string;
    readonly channels: readonly Channel[];
    readonly environment: Environment;
  }) {
    this.#source = options.source;
    this.#who = options.who;
    this.#environment = options.environment;
    for (const channel of options.channels) {
      for (const type of Object.values(channel.types)) {
        const destination = {
          type,
          codec: jsonCodec(type.jsonSchema),
          target: { kind: channel.kind, name: channel.name },
        };
        const earlier = this.#destinations.get(type.type);
        if (earlier === undefined) this.#destinations.set(type.type, [destination]);
        else earlier.push(destination);
      }
    }
  }

  /**
   * Throws UNKNOWN_TYPE where no channel in reach carries the type, BAD_ARGUMENT where several do and
   * `to` does not say which, BAD_PAYLOAD naming the field, TOO_LARGE.
   */
  stamp(draft: Draft, stamp: Stamp = {}, to?: OutgoingMessage["target"]): OutgoingMessage {
    const { type, codec, target } = this.#destination(draft.type, to);
    const { key } = checkPayload(type, draft.data);
    const envelope: { -readonly [Field in keyof Envelope]: Envelope[Field] } = {
      id: stamp.id ?? this.#environment.ids.newId(),
      type: type.type,
      kind: type.kind,
      version: type.version,
      source: this.#source,
      time: stamp.time ?? this.#environment.clock.now(),
    };
    if (key !== undefined) envelope.key = key;
    if (stamp.correlation !== undefined) envelope.correlation = stamp.correlation;
    if (stamp.causation !== undefined) envelope.causation = stamp.causation;
    if (stamp.actor !== undefined) envelope.actor = stamp.actor;
    if (stamp.trace !== undefined) envelope.trace = stamp.trace;
    const message = encodeMessage(envelope, codec.encode(draft.data));
    const bytes = sizeOf(message);
    if (bytes > LIMITS.messageBytesMax - PLACE_BYTES) {
      throw new MillraceError(
        "TOO_LARGE",
        `${type.type} has ${bytes} bytes, at most ${LIMITS.messageBytesMax - PLACE_BYTES} are allowed; keep large content elsewhere and send its address`,
        { details: { type: type.type, bytes } },
      );
    }
    return { target, message };
  }

  #destination(type: string, to: OutgoingMessage["target"] | undefined): Destination {
    const found = this.#destinations.get(type) ?? [];
    const fitting = to
      ? found.filter(({ target }) => target.kind === to.kind && target.name === to.name)
      : found;
    const [first, second] = fitting;
    if (first === undefined) {
      throw new MillraceError(
        "UNKNOWN_TYPE",
        `${this.#who} declares no channel that carries "${type}"${to ? ` and is the ${to.kind} "${to.name}"` : ""}; name it in publishes or sends`,
        { details: { type } },
      );
    }
    if (second !== undefined) {
      throw new MillraceError(
        "BAD_ARGUMENT",
        `"${type}" is carried by ${first.target.kind} "${first.target.name}" and ${second.target.kind} "${second.target.name}"; say which one is meant`,
        { details: { type } },
      );
    }
    return first;
  }
}

/** Room for the place, which the relay adds. */
const PLACE_BYTES = 1024;

/** The stamp of a message that `cause` led to: of the same conversation, on behalf of the same actor. */
export function causedBy({ envelope }: Message): Stamp {
  return {
    correlation: envelope.correlation ?? envelope.id,
    causation: envelope.id,
    ...(envelope.actor !== undefined && { actor: envelope.actor }),
    ...(envelope.trace !== undefined && { trace: envelope.trace }),
  };
}
