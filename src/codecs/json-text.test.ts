import assert from "node:assert/strict";
import { test } from "node:test";
import { elementsOf, membersOf, parseJson, parseObject, withMember } from "./json-text.ts";

test("a member's value keeps every character, also digits that a number would lose", () => {
  const text =
    ' { "id" : "a" ,\n"data":  {"n": 12345678901234567890.10, "s": "x,}\\"]"} , "e":[] } ';
  const members = membersOf(text);
  assert.equal(members.get("id"), '"a"');
  assert.equal(members.get("data"), '{"n": 12345678901234567890.10, "s": "x,}\\"]"}');
  assert.equal(members.get("e"), "[]");
  assert.equal(members.size, 3);
});

test("names are unescaped, empty documents have no members, and the last of a repeated name wins", () => {
  assert.deepEqual([...membersOf('{"\\u0064ata":1}')], [["data", "1"]]);
  assert.deepEqual([...membersOf("{ }")], []);
  assert.deepEqual([...membersOf('{"a":1,"a":2}')], [["a", "2"]]);
  assert.deepEqual(
    [...membersOf('{"\\\\":"\\\\","b":"\\""}')],
    [
      ["\\", '"\\\\"'],
      ["b", '"\\""'],
    ],
  );
  assert.deepEqual(elementsOf("[]"), []);
});

test("elements of an array are cut at its own commas alone", () => {
  assert.deepEqual(elementsOf('[ {"a":[1,2]} , "x,y", [3,[4]], null]'), [
    '{"a":[1,2]}',
    '"x,y"',
    "[3,[4]]",
    "null",
  ]);
});

test("cutting agrees with JSON.parse on many random documents", () => {
  let state = 7;
  const random = (below: number): number => (state = (state * 48_271) % 2_147_483_647) % below;
  const value = (depth: number): unknown => {
    switch (random(depth > 3 ? 4 : 6)) {
      case 0:
        return random(1000) / 8;
      case 1:
        return ['"', "\\", "a,b", "}]", "", '\\"{'][random(6)];
      case 2:
        return null;
      case 3:
        return random(2) === 0;
      case 4:
        return Array.from({ length: random(4) }, () => value(depth + 1));
      default:
        return Object.fromEntries(
          Array.from({ length: random(4) }, (_, i) => [`k${i}"\\,`, value(depth + 1)]),
        );
    }
  };
  for (let round = 0; round < 2_000; round++) {
    const object = { a: value(0), b: value(0) };
    const text = JSON.stringify(object, null, random(3));
    const cut = [...membersOf(text)].map(([name, json]) => [name, JSON.parse(json) as unknown]);
    assert.deepEqual(Object.fromEntries(cut), object, text);
    const array = [value(0), value(0), value(0)];
    assert.deepEqual(
      elementsOf(JSON.stringify(array, null, 1)).map((json) => JSON.parse(json) as unknown),
      array,
    );
  }
});

test("a member is put in as the text it is", () => {
  assert.equal(withMember({ id: "a" }, "data", "1e400"), '{"id":"a","data":1e400}');
  assert.equal(withMember({}, "data", "[]"), '{"data":[]}');
});

test("what nests deeper than anybody takes is refused, brackets in texts are none", () => {
  const nested = (levels: number): string => "[".repeat(levels) + "]".repeat(levels);
  assert.deepEqual(parseJson(nested(72)), JSON.parse(nested(72)));
  assert.throws(() => parseJson(nested(73)), { code: "BAD_JSON", message: /deeper than 72/ });
  const texts = `["${"[{".repeat(100)}","\\\\","\\"${"[".repeat(100)}"]`;
  assert.deepEqual(parseJson(texts), JSON.parse(texts));
  const wide = `[${"[],".repeat(100)}{}]`;
  assert.deepEqual(parseJson(wide), JSON.parse(wide));
  for (const broken of ['["', '"\\"', "]]]", '{"a']) {
    assert.throws(() => parseJson(broken), { code: "BAD_JSON", message: /this is not JSON/ });
  }
});

test("an object is given with its members, other JSON is none, and one of very many members is refused", () => {
  assert.deepEqual(parseObject('{"a":{"b":1}}'), { a: { b: 1 } });
  for (const text of ["[]", "null", "1", '"a"']) assert.equal(parseObject(text), undefined);
  const many = (count: number): string =>
    `{${Array.from({ length: count }, (_, at) => `"a${at}":0`).join()}}`;
  assert.equal(Object.keys(parseObject(many(1_000)) ?? {}).length, 1_000);
  assert.throws(() => parseObject(many(1_001)), { code: "BAD_JSON", message: /1001 members/ });
});
