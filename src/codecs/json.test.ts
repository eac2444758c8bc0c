import assert from "node:assert/strict";
import { test } from "node:test";
import { isMillraceError } from "../model/errors.ts";
import { createSeededRandom, type Random } from "../model/ids.ts";
import { jsonCodec } from "./json.ts";
import { parseExactly } from "./json-parser.ts";

const plain = jsonCodec(undefined);
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

const account = jsonCodec({
  type: "object",
  properties: {
    id: { type: "integer", format: "int64" },
    serial: { type: ["integer", "null"], format: "uint64" },
    balance: { $ref: "#/$defs/money" },
    weight: { type: "number", format: "double" },
    textual: { type: "string", format: "int64" },
    history: { type: "array", items: { $ref: "#/$defs/money" } },
    pair: {
      type: "array",
      prefixItems: [{ type: "integer", format: "int64" }, { type: "number" }],
    },
    parent: { anyOf: [{ $ref: "#" }, { type: "null" }] },
  },
  patternProperties: { "^n_": { type: "integer", format: "int64" } },
  additionalProperties: { type: "number" },
  $defs: { money: { type: "number", format: "decimal" } },
});

test("numbers follow the format of their schema, not their size", () => {
  const text =
    '{"id":5,"serial":18446744073709551615,"balance":12.30,"weight":100000000000000000000,' +
    '"textual":"7","history":[0.10,1e3],"pair":[1,2],"parent":{"id":-9223372036854775808},"n_x":3,"x":4}';
  const data = account.parse(text);
  assert.deepEqual(data, {
    id: 5n,
    serial: 18446744073709551615n,
    balance: "12.30",
    weight: 1e20,
    textual: "7",
    history: ["0.10", "1e3"],
    pair: [1n, 2],
    parent: { id: -(2n ** 63n) },
    n_x: 3n,
    x: 4,
  });
  assert.equal(account.stringify(data), text);
});

test("a decimal keeps digits that a double cannot hold", () => {
  const text = '{"balance":123456789012345678901234567890.10}';
  assert.equal(account.stringify(account.parse(text)), text);
});

test("an integer beyond 2^53 without a format is refused with its field and the remedy", () => {
  for (const number of ["9007199254740992", "-9007199254740993", "12345678901234567890"]) {
    assert.throws(() => plain.parse(`{"a":[1,{"b":${number}}]}`), {
      code: "BAD_JSON",
      message: `a[1].b: ${number} is beyond 2^53 and would lose digits; give the field the format int64 in its JSON Schema, or send it as text`,
    });
  }
  assert.equal(plain.parse("9007199254740991"), Number.MAX_SAFE_INTEGER);
  assert.throws(() => plain.parse("9007199254740992"), { code: "BAD_JSON" });
});

test("numbers that no double holds are refused, long digits in texts are not", () => {
  for (const text of ["1e400", "[-1E+0999]", '{"a":1.5e309}']) {
    assert.throws(() => plain.parse(text), { code: "BAD_JSON", message: /too large for a number/ });
  }
  const harmless = {
    sha: "1e123",
    card: "4111111111111111",
    hash: "deadbeef1e400",
    third: 1 / 3,
  };
  assert.deepEqual(plain.parse(JSON.stringify(harmless)), harmless);
  assert.equal(plain.parse("1.7976931348623157e308"), Number.MAX_VALUE);
});

test("a 64-bit field out of its range is refused", () => {
  assert.throws(() => account.parse('{"id":9223372036854775808}'), {
    code: "BAD_JSON",
    message: "id: 9223372036854775808 is out of the range of int64",
  });
  assert.throws(() => account.parse('{"serial":-1}'), { code: "BAD_JSON" });
  assert.throws(() => account.stringify({ id: 2n ** 63n }), { code: "BAD_PAYLOAD" });
});

test("malformed text is refused with line, column and field", () => {
  const cases: readonly (readonly [text: string, message: string])[] = [
    ['{"a": tru}', 'the payload is not JSON at line 1, column 7 (a): expected a value, found "t"'],
    [
      '{\n "a": [1,\n  2,]}',
      'the payload is not JSON at line 3, column 5 (a[2]): expected a value, found "]"',
    ],
    [
      '{"a":1',
      'the payload is not JSON at line 1, column 7 (data): expected "," or "}", found the end',
    ],
    ["", "the payload is not JSON at line 1, column 1 (data): expected a value, found the end"],
    ["{} x", 'the payload is not JSON at line 1, column 4 (data): expected the end, found "x"'],
    [
      "{a:1}",
      'the payload is not JSON at line 1, column 2 (data): expected a name in quotes, found "a"',
    ],
    [
      '"\u0001"',
      "the payload has a raw control character in a text; escape it, at line 1, column 2 (data)",
    ],
    ['["\\x"]', "the payload has a text with an unknown escape, at line 1, column 2 ([0])"],
  ];
  for (const [text, message] of cases) {
    assert.throws(() => plain.parse(text), { code: "BAD_JSON", message });
  }
  assert.throws(() => plain.decode(Uint8Array.of(0x22, 0xff, 0x22)), {
    code: "BAD_JSON",
    message: "the payload is not UTF-8",
  });
});

test("depth and size are bounded, on both parsers and when writing", () => {
  const nested = (levels: number): string => "[".repeat(levels) + "]".repeat(levels);
  assert.ok(plain.parse(nested(64)));
  assert.ok(plain.parse(JSON.stringify(Array.from({ length: 500 }, () => [{}]))));
  for (const levels of [65, 100_000]) {
    for (const codec of [plain, account]) {
      assert.throws(() => codec.parse(nested(levels)), {
        code: "BAD_JSON",
        message: /deeper than 64 levels/,
      });
    }
  }
  const circle: Record<string, unknown> = {};
  circle["self"] = circle;
  assert.throws(() => plain.stringify(circle), {
    code: "BAD_PAYLOAD",
    message: /deeper than 64 levels; flatten it, or break its circle/,
  });
  assert.throws(() => plain.encode("x".repeat(1024 * 1024)), { code: "TOO_LARGE" });
  assert.throws(() => plain.decode(new Uint8Array(1024 * 1024 + 1)), { code: "TOO_LARGE" });
});

test("a name __proto__ is a property like any other, and changes no prototype", () => {
  for (const codec of [plain, account]) {
    const text = '{"__proto__":{"polluted":true}}';
    const data = codec.parse(text);
    assert.equal(Object.getPrototypeOf(data), Object.prototype);
    assert.ok(Object.hasOwn(Object(data), "__proto__"));
    assert.equal(Reflect.get({}, "polluted"), undefined);
    assert.equal(codec.stringify(data), text);
  }
});

test("of repeated names the last counts, whichever parser reads", () => {
  assert.deepEqual(plain.parse('{"a":1,"a":2}'), { a: 2 });
  assert.deepEqual(account.parse('{"id":1,"id":2}'), { id: 2n });
});

test("what JSON cannot carry is refused when writing, with its field", () => {
  class Money {
    readonly cents = 1;
  }
  const cases: readonly (readonly [data: unknown, message: RegExp])[] = [
    [{ at: new Date(0) }, /^at is a Date; JSON has plain objects/],
    [{ a: [{ n: Number.NaN }] }, /^a\[0\].n is NaN; JSON has no such number/],
    [{ n: Infinity }, /^n is Infinity/],
    [{ n: 1n }, /^n is a bigint; give the field the format int64/],
    [{ n: 2 ** 53 }, /^n is 9007199254740992, an integer beyond 2\^53/],
    [{ m: new Map() }, /^m is a Map/],
    [{ m: new Money() }, /^m is a Money/],
    [{ f: () => 1 }, /^f is function/],
    [[undefined], /^\[0\] is undefined/],
    [undefined, /^data is undefined/],
  ];
  for (const [data, message] of cases) {
    assert.throws(() => plain.encode(data), { code: "BAD_PAYLOAD", message });
  }
  assert.throws(() => account.stringify({ balance: "1,50" }), {
    code: "BAD_PAYLOAD",
    message: /^balance is "1,50"; a decimal is written like/,
  });
  assert.equal(plain.stringify({ absent: undefined, there: null }), '{"there":null}');
});

test("both parsers agree on 2,000 random documents and 4,000 damaged ones", () => {
  const random = createSeededRandom(7);
  let refused = 0;
  for (let round = 0; round < 2_000; round++) {
    const value = randomJson(random, 4);
    const text = JSON.stringify(value, undefined, round % 3);
    assert.deepEqual(parseExactly(text, { numbers: undefined, depthMax: 64 }), value);
    assert.deepEqual(plain.decode(bytes(text)), value);
    for (let damage = 0; damage < 2; damage++) {
      const damaged =
        damage === 0 ? text.slice(0, random.next() * text.length) : mutated(random, text);
      const [native, exact] = [
        attempt(() => JSON.parse(damaged)),
        attempt(() => plain.parse(damaged)),
      ];
      if ("error" in native) {
        refused++;
        assert.ok("error" in exact && isMillraceError(exact.error, "BAD_JSON"), damaged);
      } else if ("value" in exact) assert.deepEqual(exact.value, native.value);
    }
  }
  assert.ok(refused > 1_000, `only ${refused} damaged documents were no JSON`);
});

function attempt(run: () => unknown): { readonly value: unknown } | { readonly error: unknown } {
  try {
    return { value: run() };
  } catch (error) {
    return { error };
  }
}

function randomJson(random: Random, depth: number): unknown {
  const choice = Math.floor(random.next() * (depth > 0 ? 8 : 6));
  const length = Math.floor(random.next() * 4);
  if (choice === 0) return null;
  if (choice === 1) return random.next() < 0.5;
  if (choice === 2) return Math.floor((random.next() - 0.5) * 2 ** 40);
  if (choice === 3) return (random.next() - 0.5) * 10 ** Math.floor(random.next() * 12);
  if (choice < 6) return randomText(random);
  if (choice === 6) return Array.from({ length }, () => randomJson(random, depth - 1));
  return Object.fromEntries(
    Array.from({ length }, () => [randomText(random), randomJson(random, depth - 1)]),
  );
}

function randomText(random: Random): string {
  const alphabet = [
    '"',
    "\\",
    "\n",
    "é",
    "𝄞",
    "/",
    "a",
    "1e9",
    "1234567890123456",
    "{",
    "]",
    "\u2028",
  ];
  return Array.from(
    { length: random.next() * 5 },
    () => alphabet[Math.floor(random.next() * alphabet.length)],
  ).join("");
}

function mutated(random: Random, text: string): string {
  const at = Math.floor(random.next() * text.length);
  const inserted = '{}[],:"\\0-.eEtn \u0007'[Math.floor(random.next() * 17)]!;
  return text.slice(0, at) + inserted + text.slice(at + 1);
}
