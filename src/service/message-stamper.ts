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
import type { Draft, Message, RawMessage } from "../model/message.ts";
import type { Attributes, Channel, MessageType } from "../schema/declaration.ts";
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
  /** The key of a message whose type takes none from its data. */
  readonly key?: string;
  readonly replyTo?: string;
  readonly expires?: number;
  /** For subscriptions and routers to go by: names of a-z and 0-9, such as the envelope has none. */
  readonly attributes?: Attributes;
}

interface Encodable {
  readonly type: MessageType;
  readonly codec: JsonCodec;
}

interface Destination extends Encodable {
  readonly target: OutgoingMessage["target"];
}

export class MessageStamper {
  readonly #source: string;
  readonly #environment: Environment;
  readonly #who: string;
  readonly #destinations = new Map<string, Destination[]>();
  readonly #kept: ReadonlyMap<string, Encodable>;

  /** `who` names the asker in refusals: `consumer "refunds"`. */
  constructor(options: {
    readonly source: string;
    readonly who: string;
    readonly channels: readonly Channel[];
    /** Types of messages that stay in the store. */
    readonly kept?: readonly MessageType[];
    readonly environment: Environment;
  }) {
    this.#source = options.source;
    this.#who = options.who;
    this.#environment = options.environment;
    this.#kept = new Map(
      (options.kept ?? []).map((type) => [type.type, { type, codec: jsonCodec(type.jsonSchema) }]),
    );
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
   * `to` does not say which, BAD_PAYLOAD and BAD_ENVELOPE naming the field, TOO_LARGE.
   */
  stamp(draft: Draft, stamp: Stamp = {}, to?: OutgoingMessage["target"]): OutgoingMessage {
    const destination = this.#destination(draft.type, to);
    const { message } = this.#encode(destination, draft, stamp);
    return { target: destination.target, message };
  }

  /** As `stamp`, with the envelope, for whoever handles the message itself. */
  stampWhole(
    draft: Draft,
    stamp: Stamp = {},
    to?: OutgoingMessage["target"],
  ): { readonly message: RawMessage; readonly envelope: Envelope } {
    return this.#encode(this.#destination(draft.type, to), draft, stamp);
  }

  /** As `stamp`, for what stays in the store. Throws UNKNOWN_TYPE where the part declares no such type. */
  stampKept(draft: Draft, stamp: Stamp = {}): RawMessage {
    const kept = this.#kept.get(draft.type);
    if (kept !== undefined) return this.#encode(kept, draft, stamp).message;
    throw new MillraceError(
      "UNKNOWN_TYPE",
      `${this.#who} declares neither an event nor a timer "${draft.type}"; name it in events or timers`,
      { details: { type: draft.type } },
    );
  }

  #encode(
    { type, codec }: Encodable,
    draft: Draft,
    stamp: Stamp,
  ): { readonly message: RawMessage; readonly envelope: Envelope } {
    const key = checkPayload(type, draft.data).key ?? stamp.key;
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
    if (stamp.replyTo !== undefined) envelope.replyTo = stamp.replyTo;
    if (stamp.expires !== undefined) envelope.expires = stamp.expires;
    if (stamp.attributes !== undefined) envelope.extensions = stamp.attributes;
    const message = encodeMessage(envelope, codec.encode(draft.data));
    const bytes = sizeOf(message);
    if (bytes > LIMITS.messageBytesMax - PLACE_BYTES) {
      throw new MillraceError(
        "TOO_LARGE",
        `${type.type} has ${bytes} bytes, at most ${LIMITS.messageBytesMax - PLACE_BYTES} are allowed; keep large content elsewhere and send its address`,
        { details: { type: type.type, bytes } },
      );
    }
    return { message, envelope };
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
export function causedBy({
  envelope,
}: Message): Pick<Envelope, "correlation" | "causation" | "actor" | "trace"> {
  return {
    correlation: envelope.correlation ?? envelope.id,
    causation: envelope.id,
    ...(envelope.actor !== undefined && { actor: envelope.actor }),
    ...(envelope.trace !== undefined && { trace: envelope.trace }),
  };
}
