import type { Header, RawMessage } from "../../model/message.ts";

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * The message as a broker in this process keeps it: with bytes of its own, since the caller may use
 * its buffers again, and in the form in which a log would give it back: a key or header whose bytes
 * are valid UTF-8 is text.
 */
export function ownedMessage({ key, headers, value }: RawMessage): RawMessage {
  return {
    key: key === null ? null : textOrCopy(key),
    headers: headers.map(([name, content]): Header => [name, textOrCopy(content)]),
    value: value === null ? null : value.slice(),
  };
}

function textOrCopy(content: string | Uint8Array): string | Uint8Array {
  if (typeof content === "string") return content;
  try {
    return decoder.decode(content);
  } catch {
    return content.slice();
  }
}
