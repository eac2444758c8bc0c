/**
 * Reading incoming messages: from a broker's bytes to what a part handles.
 *
 * Nothing here throws for what a message may hold (law 4): an unreadable message is an answer of its
 * own, and keeps as much identity as could be made out, so that it can be parked and shown.
 */

import { unreadableError } from "../broker/unreadable-record.ts";
import { decodeEnvelope } from "../codecs/cloudevents-reader.ts";
import { jsonCodec, type JsonCodec } from "../codecs/json.ts";
import { MillraceError } from "../model/errors.ts";
import type { Envelope } from "../model/envelope.ts";
import type { Message, RawMessage } from "../model/message.ts";
import type { MessageType } from "../schema/declaration.ts";
import { readPayload } from "../schema/payload.ts";

export type Reading =
  | { readonly status: "message"; readonly message: Message }
  /** Declared on the channel, and the part has no handler for it. Its payload was not looked at. */
  | { readonly status: "ignored"; readonly envelope: Envelope }
  /** `envelope` is there if it could be read. */
  | { readonly status: "unreadable"; readonly error: unknown; readonly envelope?: Envelope };

/** Where messages come from: a channel, or the service's own events and timers. */
export interface MessageSource {
  readonly kind: string;
  readonly name: string;
  readonly types: Readonly<Record<string, MessageType>>;
}

/** A channel, or what a service keeps in its own store. */
export interface ReadSource {
  readonly kind: string;
  readonly name: string;
  readonly types: Readonly<Record<string, MessageType>>;
}

interface Readable {
  readonly type: MessageType;
  readonly codec: JsonCodec;
  readonly handled: boolean;
}

const JSON_MEDIA_TYPE = /^application\/(?:[\w.-]+\+)?json(?:;|$)/;

export class MessageReader {
  readonly #types = new Map<string, Readable>();
  readonly #where: string;
  readonly #keepsRaw: boolean;
  readonly #undecoded: boolean;

  /**
   * Reads the types of `channels`; those in `handles` are decoded, the others ignored. With `keepsRaw`
   * a message also has what it was read from; `undecoded`, its payload is decoded when asked for.
   */
  constructor(
    channels: readonly MessageSource[],
    handles: ReadonlySet<string>,
    {
      keepsRaw = false,
      undecoded = false,
    }: { readonly keepsRaw?: boolean; readonly undecoded?: boolean } = {},
  ) {
    this.#keepsRaw = keepsRaw;
    this.#undecoded = undecoded;
    this.#where = channels.map((channel) => `${channel.kind} "${channel.name}"`).join(", ");
    for (const channel of channels) {
      for (const type of Object.values(channel.types)) {
        const handled = handles.has(type.type);
        this.#types.set(type.type, { type, codec: jsonCodec(type.jsonSchema), handled });
      }
    }
  }

  /**
   * `receivedMs` stands in for the time of a message that names none. `stamped` is its envelope, where
   * this process has stamped it itself.
   */
  read(raw: RawMessage, receivedMs: number, stamped?: Envelope): Reading {
    let envelope: Envelope | undefined;
    try {
      envelope = stamped ?? decodeEnvelope(raw, { receivedMs });
      const known = this.#types.get(envelope.type);
      if (known === undefined)
        return { status: "unreadable", error: this.#unknown(envelope), envelope };
      if (!known.handled) return { status: "ignored", envelope };
      if (this.#undecoded) {
        return { status: "message", message: this.#undecodedMessage(known, envelope, raw) };
      }
      const data = this.#payload(known, envelope, raw);
      const message = this.#keepsRaw ? { envelope, data, raw } : { envelope, data };
      return { status: "message", message };
    } catch (caught) {
      const error = unreadableError(raw) ?? caught;
      return { status: "unreadable", error, ...(envelope && { envelope }) };
    }
  }

  #undecodedMessage(known: Readable, envelope: Envelope, raw: RawMessage): Message {
    let payload: { readonly data: unknown } | undefined;
    const decode = (): unknown => (payload ??= { data: this.#payload(known, envelope, raw) }).data;
    return {
      envelope,
      raw,
      get data() {
        return decode();
      },
    };
  }

  #payload(
    { type, codec }: Readable,
    { contentType, version }: Envelope,
    raw: RawMessage,
  ): unknown {
    if (contentType !== undefined && !JSON_MEDIA_TYPE.test(contentType)) {
      throw new MillraceError(
        "UNSUPPORTED_CONTENT",
        `${type.type} came as ${contentType}; this service reads application/json`,
        { details: { type: type.type, contentType } },
      );
    }
    if (raw.value === null) {
      throw new MillraceError("BAD_PAYLOAD", `${type.type} came without a payload`, {
        details: { type: type.type, fields: ["data"] },
      });
    }
    return readPayload(type, version, codec.decode(raw.value));
  }

  #unknown({ type }: Envelope): MillraceError {
    return new MillraceError(
      "UNKNOWN_TYPE",
      `${this.#where} declares no type "${type}"; deploy the contract that has it here, then redrive`,
      { details: { type } },
    );
  }
}

/** What the message costs in memory and on a wire, nearly. */
export function sizeOf({ key, headers, value }: RawMessage): number {
  let bytes = (key?.length ?? 0) + (value?.length ?? 0);
  for (const [name, text] of headers) bytes += name.length + text.length;
  return bytes;
}
