/** From the words of a selector to its condition, by recursive descent. */

import type { Condition, Lookup, SelectorValue } from "./condition.ts";
import { SelectorRefused, tokensOf, type Token } from "./tokens.ts";

type Operand = (lookup: Lookup) => SelectorValue;

/** Conditions within one another. */
const DEPTH_MAX = 64;
const ARITHMETIC: ReadonlySet<string> = new Set(["+", "*", "/", "-"]);

export function parseCondition(selector: string): Condition {
  const parser = new Parser(tokensOf(selector));
  const condition = parser.or(0);
  parser.end();
  return condition;
}

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  end(): void {
    if (this.#at < this.#tokens.length) throw this.#unexpected("the end");
  }

  or(depth: number): Condition {
    if (depth > DEPTH_MAX) {
      throw new SelectorRefused(`a selector nests at most ${DEPTH_MAX} deep`);
    }
    let left = this.#and(depth);
    while (this.#takeKeyword("OR")) {
      const [one, other] = [left, this.#and(depth)];
      left = (lookup) => {
        const first = one(lookup);
        if (first === true) return true;
        const second = other(lookup);
        return second === true ? true : first === undefined ? undefined : second;
      };
    }
    return left;
  }

  #and(depth: number): Condition {
    let left = this.#not(depth);
    while (this.#takeKeyword("AND")) {
      const [one, other] = [left, this.#not(depth)];
      left = (lookup) => {
        const first = one(lookup);
        if (first === false) return false;
        const second = other(lookup);
        return second === false ? false : first === undefined ? undefined : second;
      };
    }
    return left;
  }

  #not(depth: number): Condition {
    if (!this.#takeKeyword("NOT")) return this.#comparison(depth);
    return negated(this.#not(depth + 1));
  }

  #comparison(depth: number): Condition {
    if (depth > DEPTH_MAX) {
      throw new SelectorRefused(`a selector nests at most ${DEPTH_MAX} deep`);
    }
    if (this.#takeSign("(")) {
      const inner = this.or(depth + 1);
      this.#expectSign(")");
      return inner;
    }
    const left = this.#operand();
    const not = this.#takeKeyword("NOT");
    if (this.#takeKeyword("IN")) return negatedIf(not, this.#in(left));
    if (this.#takeKeyword("LIKE")) return negatedIf(not, this.#like(left));
    if (this.#takeKeyword("BETWEEN")) return negatedIf(not, this.#between(left));
    if (not) throw this.#unexpected("IN, LIKE or BETWEEN");
    if (this.#takeKeyword("IS")) {
      const has = this.#takeKeyword("NOT");
      if (!this.#takeKeyword("NULL")) throw this.#unexpected("NULL");
      return (lookup) => (left(lookup) !== undefined) === has;
    }
    const token = this.#tokens[this.#at];
    if (token?.kind === "sign" && token.text in COMPARISONS) {
      this.#at++;
      const compare = COMPARISONS[token.text]!;
      const right = this.#operand();
      return (lookup) => compare(left(lookup), right(lookup));
    }
    if (token?.kind === "sign" && ARITHMETIC.has(token.text)) {
      throw new SelectorRefused("selectors do no arithmetic here", true);
    }
    return (lookup) => {
      const value = left(lookup);
      return typeof value === "boolean" ? value : undefined;
    };
  }

  #in(left: Operand): Condition {
    this.#expectSign("(");
    const choices = new Set<SelectorValue>();
    do choices.add(this.#literal());
    while (this.#takeSign(","));
    this.#expectSign(")");
    return (lookup) => {
      const value = left(lookup);
      return value === undefined ? undefined : choices.has(value);
    };
  }

  #between(left: Operand): Condition {
    const low = this.#operand();
    if (!this.#takeKeyword("AND")) throw this.#unexpected("AND");
    const high = this.#operand();
    return (lookup) => {
      const value = left(lookup);
      const above = COMPARISONS[">="]!(value, low(lookup));
      const below = COMPARISONS["<="]!(value, high(lookup));
      return above === undefined || below === undefined ? undefined : above && below;
    };
  }

  #like(left: Operand): Condition {
    const pattern = this.#text("a pattern in quotes");
    const escape = this.#takeKeyword("ESCAPE") ? this.#text("a letter in quotes") : undefined;
    if (escape !== undefined && escape.length !== 1) {
      throw new SelectorRefused("ESCAPE takes one letter");
    }
    const matches = likeMatcher(pattern, escape);
    return (lookup) => {
      const value = left(lookup);
      return typeof value === "string" ? matches(value) : undefined;
    };
  }

  #operand(): Operand {
    const token = this.#tokens[this.#at];
    if (token?.kind === "word") {
      this.#at++;
      return (lookup) => lookup(token.text);
    }
    const value = this.#literal();
    return () => value;
  }

  #literal(): SelectorValue {
    const negative = this.#takeSign("-");
    if (!negative) this.#takeSign("+");
    const token = this.#tokens[this.#at++];
    if (token?.kind === "number") return negative ? -token.value : token.value;
    if (!negative && token?.kind === "text") return token.text;
    if (!negative && token?.kind === "keyword" && token.text === "TRUE") return true;
    if (!negative && token?.kind === "keyword" && token.text === "FALSE") return false;
    this.#at--;
    if (token?.kind === "sign" && token.text === "(") {
      throw new SelectorRefused("selectors do no arithmetic here", true);
    }
    throw this.#unexpected("a name, a number or a text");
  }

  #text(wanted: string): string {
    const token = this.#tokens[this.#at];
    if (token?.kind !== "text") throw this.#unexpected(wanted);
    this.#at++;
    return token.text;
  }

  #takeKeyword(text: string): boolean {
    return this.#takeIf("keyword", text);
  }

  #takeSign(text: string): boolean {
    return this.#takeIf("sign", text);
  }

  #takeIf(kind: "keyword" | "sign", text: string): boolean {
    const token = this.#tokens[this.#at];
    const found = token?.kind === kind && token.text === text;
    if (found) this.#at++;
    return found;
  }

  #expectSign(text: string): void {
    if (!this.#takeSign(text)) throw this.#unexpected(text);
  }

  #unexpected(wanted: string): SelectorRefused {
    const token = this.#tokens[this.#at];
    const found =
      token === undefined ? "its end" : token.kind === "number" ? String(token.value) : token.text;
    if (token?.kind === "sign" && ARITHMETIC.has(token.text)) {
      return new SelectorRefused("selectors do no arithmetic here", true);
    }
    return new SelectorRefused(`a selector has ${found} where ${wanted} is expected`);
  }
}

type Compare = (left: SelectorValue, right: SelectorValue) => boolean | undefined;

function comparing(compare: (order: number) => boolean, ordered = true): Compare {
  return (left, right) => {
    if (typeof left === "number" && typeof right === "number") return compare(left - right);
    if (left === undefined || right === undefined || typeof left !== typeof right) return undefined;
    // As in JMS, texts and truths are equal or not, and have no order.
    return ordered ? undefined : compare(left === right ? 0 : 1);
  };
}

const COMPARISONS: Readonly<Record<string, Compare>> = {
  "=": comparing((order) => order === 0, false),
  "<>": comparing((order) => order !== 0, false),
  "<": comparing((order) => order < 0),
  "<=": comparing((order) => order <= 0),
  ">": comparing((order) => order > 0),
  ">=": comparing((order) => order >= 0),
};

function negated(condition: Condition): Condition {
  return (lookup) => {
    const found = condition(lookup);
    return found === undefined ? undefined : !found;
  };
}

function negatedIf(not: boolean, condition: Condition): Condition {
  return not ? negated(condition) : condition;
}

/** `%` is any letters, `_` any one. Greedy with one place to go back to, so it takes no exponential time. */
function likeMatcher(pattern: string, escape: string | undefined): (text: string) => boolean {
  const parts: ("any" | "one" | { readonly letter: string })[] = [];
  for (let at = 0; at < pattern.length; at++) {
    const letter = pattern[at]!;
    if (letter === escape) {
      if (at + 1 === pattern.length) throw new SelectorRefused("a pattern ends with its ESCAPE");
      parts.push({ letter: pattern[++at]! });
    } else {
      parts.push(letter === "%" ? "any" : letter === "_" ? "one" : { letter });
    }
  }
  return (text) => {
    let at = 0;
    let part = 0;
    let anyPart = -1;
    let anyAt = 0;
    while (at < text.length) {
      const wanted = parts[part];
      if (wanted === "any") {
        anyPart = part++;
        anyAt = at;
      } else if (wanted === "one" || (typeof wanted === "object" && wanted.letter === text[at])) {
        part++;
        at++;
      } else if (anyPart >= 0) {
        part = anyPart + 1;
        at = ++anyAt;
      } else {
        return false;
      }
    }
    return parts.slice(part).every((rest) => rest === "any");
  };
}
