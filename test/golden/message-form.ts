/** Messages as `expected.json` writes them: text where it is text, base64 where it is bytes. */

import type { RawMessage } from "../../src/model/message.ts";

export type BytesForm = string | { readonly base64: string };

export interface MessageForm {
  readonly key: BytesForm | null;
  readonly headers: readonly (readonly [name: string, value: BytesForm])[];
  readonly value: BytesForm | null;
}

export function toForm({ key, headers, value }: RawMessage): MessageForm {
  return {
    key: key === null ? null : bytesForm(key),
    headers: headers.map(([name, held]) => [name, bytesForm(held)]),
    value: value === null ? null : bytesForm(value),
  };
}

export function fromForm({ key, headers, value }: MessageForm): RawMessage {
  return {
    key: key === null ? null : bytesOf(key),
    headers: headers.map(([name, held]) => [name, bytesOf(held)]),
    value: value === null ? null : Buffer.from(bytesOf(value)),
  };
}

function bytesForm(bytes: string | Uint8Array): BytesForm {
  return typeof bytes === "string" ? bytes : { base64: Buffer.from(bytes).toString("base64") };
}

function bytesOf(form: BytesForm): string | Uint8Array {
  return typeof form === "string" ? form : Buffer.from(form.base64, "base64");
}
