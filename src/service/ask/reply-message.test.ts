import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeEnvelope } from "../../codecs/cloudevents-reader.ts";
import { isMillraceError } from "../../model/errors.ts";
import type { RawMessage } from "../../model/message.ts";
import type { Verdict } from "../part.ts";
import {
  decodeReply,
  encodeReply,
  formatReplyAddress,
  parseReplyAddress,
} from "./reply-message.ts";

const envelope = { id: "r1", source: "desk", time: 1000, key: "o1" };
const withText = (text: string | null): RawMessage => ({
  key: null,
  headers: [],
  value: text === null ? null : new TextEncoder().encode(text),
});

test("a reply names the command that it answers, in its envelope and its payload", () => {
  const verdicts: Verdict[] = [
    { ok: true },
    { ok: true, reply: { id: 9_007_199_254_740_993n, count: 5n, rate: 0.5 } },
    { ok: false, refusal: { code: "sold-out", message: "none left", details: { left: 0 } } },
  ];
  for (const verdict of verdicts) {
    const raw = encodeReply({ ...envelope, causation: "c0" }, { command: "c1", verdict });
    assert.deepEqual(decodeReply(raw), { command: "c1", verdict });
    const { kind, type, causation, key } = decodeEnvelope(raw, { receivedMs: 0 });
    assert.deepEqual([kind, type, causation, key], ["reply", "millrace.reply", "c0", "o1"]);
  }
});

test("a payload that is no reply is refused with the name of the field", () => {
  const fieldOf = (text: string | null): unknown => {
    try {
      return decodeReply(withText(text));
    } catch (error) {
      return isMillraceError(error) ? error.details["fields"] : error;
    }
  };
  assert.deepEqual(fieldOf(null), ["command"]);
  assert.deepEqual(fieldOf("[]"), ["command"]);
  assert.deepEqual(fieldOf("{"), ["data"]);
  assert.deepEqual(fieldOf('{"command":"c"}'), ["ok"]);
  assert.deepEqual(fieldOf('{"command":"c","ok":false}'), ["refusal"]);
  assert.deepEqual(fieldOf('{"command":"c","ok":false,"refusal":{}}'), ["refusal"]);
});

test("an address holds a queue and any key", () => {
  for (const key of [undefined, "o1", "a#b/c d%", "ключ\n"]) {
    const address = { queue: "shop.checkout.replies", ...(key !== undefined && { key }) };
    const text = formatReplyAddress(address);
    assert.match(text, /^[\x21-\x7e]+$/);
    assert.deepEqual(parseReplyAddress(text), address);
  }
  for (const text of ["", "#k", "a b", "q#", "q#%zz"]) {
    assert.throws(() => parseReplyAddress(text), { code: "BAD_ENVELOPE" });
  }
});

test("an answer that no message could carry is refused before it is sent", () => {
  const verdict = { ok: true, reply: "x".repeat(1_048_576) } as const;
  assert.throws(() => encodeReply({ ...envelope, causation: "c0" }, { command: "c1", verdict }), {
    code: "TOO_LARGE",
  });
});
