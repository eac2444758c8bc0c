/**
 * An exact JSON parser (RFC 8259), several times slower than the engine's own: it keeps the digits of
 * numbers where the schema asks for them, refuses numbers that a double would change, and says at
 * which line, column and field a text is wrong. `json.ts` decides when it is needed.
 *
 * Like the engine's parser it keeps the last of repeated names, and makes `__proto__` a property like
 * any other.
 */

import { MillraceError } from "../model/errors.ts";
import { defineOwn } from "./define-own.ts";
import { fieldPath, type FieldPath } from "./field-path.ts";
import { INTEGER_RANGES, type NumberFormat, type NumberPlan } from "./number-plan.ts";

export interface ParseOptions {
  readonly numbers: NumberPlan | undefined;
  readonly depthMax: number;
}

/** Throws BAD_JSON naming what is wrong and where. */
export function parseExactly(text: string, options: ParseOptions): unknown {
  return new JsonParser(text, options.depthMax).parse(options.numbers);
}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const INTEGER = /^-?\d+$/;
class JsonParser {
  readonly #text: string;
  readonly #depthMax: number;
  readonly #path: FieldPath = [];
  #at = 0;

  constructor(text: string, depthMax: number) {
    this.#text = text;
    this.#depthMax = depthMax;
  }

  parse(numbers: NumberPlan | undefined): unknown {
    const value = this.#value(numbers);
    this.#skipSpace();
    if (this.#at < this.#text.length) throw this.#unexpected("the end");
    return value;
  }

  #value(numbers: NumberPlan | undefined): unknown {
    this.#skipSpace();
    switch (this.#text.charAt(this.#at)) {
      case "{":
        return this.#object(numbers);
      case "[":
        return this.#array(numbers);
      case '"':
        return this.#string();
      case "t":
        return this.#word("true", true);
      case "f":
        return this.#word("false", false);
      case "n":
        return this.#word("null", null);
      default:
        return this.#number(numbers?.format);
    }
  }

  #object(numbers: NumberPlan | undefined): object {
    this.#enter();
    const object: Record<string, unknown> = {};
    this.#skipSpace();
    if (this.#text[this.#at] !== "}") {
      do {
        this.#skipSpace();
        if (this.#text[this.#at] !== '"') throw this.#unexpected("a name in quotes");
        const name = this.#string();
        this.#skipSpace();
        this.#expect(":");
        this.#path.push(name);
        const value = this.#value(numbers?.property(name));
        this.#path.pop();
        if (name === "__proto__") defineOwn(object, name, value);
        else object[name] = value;
        this.#skipSpace();
      } while (this.#skip(","));
    }
    this.#expect("}", '"," or "}"');
    return object;
  }

  #array(numbers: NumberPlan | undefined): unknown[] {
    this.#enter();
    const array: unknown[] = [];
    this.#skipSpace();
    if (this.#text[this.#at] !== "]") {
      do {
        this.#path.push(array.length);
        const value = this.#value(numbers?.item(array.length));
        this.#path.pop();
        array.push(value);
        this.#skipSpace();
      } while (this.#skip(","));
    }
    this.#expect("]", '"," or "]"');
    return array;
  }

  #enter(): void {
    if (this.#path.length >= this.#depthMax) {
      throw this.#refused(`nests deeper than ${this.#depthMax} levels; flatten it`);
    }
    this.#at++;
  }

  #string(): string {
    const start = this.#at++;
    let escaped = false;
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code === 0x22) break;
      if (code < 0x20) throw this.#refused("has a raw control character in a text; escape it");
      if (Number.isNaN(code)) throw this.#unexpected('a closing "');
      if (code === 0x5c) {
        escaped = true;
        this.#at++;
      }
      this.#at++;
    }
    const body = this.#text.slice(start, ++this.#at);
    return escaped ? this.#unescape(body, start) : body.slice(1, -1);
  }

  #unescape(quoted: string, start: number): string {
    try {
      return String(JSON.parse(quoted));
    } catch {
      this.#at = start;
      throw this.#refused("has a text with an unknown escape");
    }
  }

  #number(format: NumberFormat | undefined): unknown {
    NUMBER.lastIndex = this.#at;
    const [token] = NUMBER.exec(this.#text) ?? [];
    if (token === undefined) throw this.#unexpected("a value");
    this.#at += token.length;
    if (format === "decimal") return token;
    if (format === "int64" || format === "uint64") return this.#wide(token, format);
    const number = Number(token);
    if (!Number.isFinite(number)) throw this.#lossy(token, "is too large for a number");
    if (format === undefined && !Number.isSafeInteger(number) && INTEGER.test(token)) {
      throw this.#lossy(
        token,
        "is beyond 2^53 and would lose digits; give the field the format int64 in its JSON Schema, or send it as text",
      );
    }
    return number;
  }

  #wide(token: string, format: "int64" | "uint64"): unknown {
    // What is no integer stays a number, for the schema to refuse by its own words.
    if (!INTEGER.test(token)) return Number(token);
    const wide = BigInt(token);
    const { min, max } = INTEGER_RANGES[format];
    if (wide < min || wide > max) throw this.#lossy(token, `is out of the range of ${format}`);
    return wide;
  }

  #word<Value>(word: string, value: Value): Value {
    if (!this.#text.startsWith(word, this.#at)) throw this.#unexpected("a value");
    this.#at += word.length;
    return value;
  }

  #skipSpace(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.#at++;
    }
  }

  #skip(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #expect(character: string, told = `"${character}"`): void {
    if (!this.#skip(character)) throw this.#unexpected(told);
  }

  #unexpected(expected: string): MillraceError {
    const found = this.#text[this.#at];
    return this.#error(
      `the payload is not JSON at ${this.#place()}: expected ${expected}, found ${found === undefined ? "the end" : JSON.stringify(found)}`,
    );
  }

  #refused(why: string): MillraceError {
    return this.#error(`the payload ${why}, at ${this.#place()}`);
  }

  #lossy(token: string, why: string): MillraceError {
    const shown = token.length > 40 ? `${token.slice(0, 40)}…` : token;
    return this.#error(`${fieldPath(this.#path)}: ${shown} ${why}`);
  }

  #place(): string {
    const { line, column } = this.#position();
    return `line ${line}, column ${column} (${fieldPath(this.#path)})`;
  }

  #position(): { readonly line: number; readonly column: number } {
    const before = this.#text.slice(0, this.#at).split("\n");
    return { line: before.length, column: before.at(-1)!.length + 1 };
  }

  #error(message: string): MillraceError {
    const { line, column } = this.#position();
    return new MillraceError("BAD_JSON", message, {
      details: { line, column, field: fieldPath(this.#path) },
    });
  }
}
