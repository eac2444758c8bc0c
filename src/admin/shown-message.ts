/** Raw messages as people and other programs can look at them. */

import { unreadableError } from "../broker/unreadable-record.ts";
import { decodeEnvelope } from "../codecs/cloudevents-reader.ts";
import type { Envelope } from "../model/envelope.ts";
import { isMillraceError, MillraceError } from "../model/errors.ts";
import type { RawMessage } from "../model/message.ts";
import type { StreamRecord } from "../broker/streams.ts";
import type { ShownMessage, ShownRecord } from "./admin.ts";

/** Shows what can be decoded, envelope and payload each by itself, and why the rest cannot. */
export function showMessage(raw: RawMessage, receivedMs: number): ShownMessage {
  const envelope = attempt(() => decodeEnvelope(raw, { receivedMs }));
  const payload = attempt(() => jsonText(raw.value, envelope.value));
  const why = unreadableError(raw) ?? envelope.error ?? payload.error;
  return {
    ...(envelope.value !== undefined && { envelope: envelope.value }),
    ...(payload.value !== undefined && { dataJson: payload.value }),
    ...(why !== undefined && {
      undecodable: {
        code: why.code,
        message: why.message,
        valueBase64: base64(raw.value ?? new Uint8Array()),
        headers: raw.headers.map(([name, value]) => [name, textOf(value)] as const),
      },
    }),
  };
}

export function showRecord(stream: string, record: StreamRecord): ShownRecord {
  const { partition, offset, appendedMs, key } = record;
  return {
    stream,
    partition,
    offset,
    appendedMs,
    ...(key !== null && { key: textOf(key) }),
    ...showMessage(record, appendedMs),
  };
}

/** JSON has no line break within a token, so that putting a space for each keeps it the same JSON. */
export function onOneLine(json: string): string {
  return json.replaceAll(/[\r\n]+/g, " ").trim();
}

function jsonText(value: Uint8Array | null, envelope: Envelope | undefined): string {
  if (value === null) return "null";
  const contentType = envelope?.contentType;
  if (contentType !== undefined && !/^application\/(json|.+\+json)\b/i.test(contentType)) {
    throw new MillraceError(
      "UNSUPPORTED_CONTENT",
      `the payload is ${JSON.stringify(contentType.slice(0, 100))}, not JSON`,
    );
  }
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(value);
    JSON.parse(text);
    return onOneLine(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.slice(0, 200) : "";
    throw new MillraceError("BAD_JSON", `the payload is not JSON: ${reason}`, { cause });
  }
}

interface Attempt<Value> {
  readonly value?: Value;
  readonly error?: MillraceError;
}

function attempt<Value>(decode: () => Value): Attempt<Value> {
  try {
    return { value: decode() };
  } catch (error) {
    if (isMillraceError(error)) return { error };
    throw error;
  }
}

function textOf(value: string | Uint8Array): string {
  return typeof value === "string" ? value : `base64:${base64(value)}`;
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}
