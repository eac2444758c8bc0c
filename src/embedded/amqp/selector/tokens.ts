/** The words of a selector. */

/** What a selector is not: the text is wrong, or it asks for what is not done here. */
export class SelectorRefused extends Error {
  override readonly name = "SelectorRefused";
  /** Whether the text is right, but beyond what is understood here. */
  readonly unsupported: boolean;

  constructor(text: string, unsupported = false) {
    super(text);
    this.unsupported = unsupported;
  }
}

export type Token =
  | { readonly kind: "word"; readonly text: string }
  | { readonly kind: "keyword"; readonly text: string }
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "sign"; readonly text: string };

const KEYWORDS: ReadonlySet<string> = new Set([
  "AND",
  "OR",
  "NOT",
  "IN",
  "LIKE",
  "ESCAPE",
  "BETWEEN",
  "IS",
  "NULL",
  "TRUE",
  "FALSE",
]);
const TOKEN =
  /\s+|'((?:[^']|'')*)'|(\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)|([A-Za-z_$][\w$.]*)|(<>|<=|>=|[=<>(),+*/-])/y;
const LETTERS_MAX = 4_096;

export function tokensOf(selector: string): Token[] {
  if (selector.length > LETTERS_MAX) {
    throw new SelectorRefused(`a selector has at most ${LETTERS_MAX} letters`);
  }
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < selector.length) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(selector);
    if (match === null) {
      throw new SelectorRefused(
        `at letter ${at + 1}: ${JSON.stringify(selector.slice(at, at + 20))}`,
      );
    }
    const [, text, number, word, sign] = match;
    if (text !== undefined) tokens.push({ kind: "text", text: text.replaceAll("''", "'") });
    else if (number !== undefined) tokens.push({ kind: "number", value: Number(number) });
    else if (word !== undefined) tokens.push(wordToken(word));
    else if (sign !== undefined) tokens.push({ kind: "sign", text: sign });
  }
  return tokens;
}

function wordToken(word: string): Token {
  const upper = word.toUpperCase();
  return KEYWORDS.has(upper) ? { kind: "keyword", text: upper } : { kind: "word", text: word };
}
