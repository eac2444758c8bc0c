/**
 * LIKE: `%` is any letters, `_` any one.
 *
 * The pattern is a row of places, one behind each of its letters; a text stands at several of them at once,
 * which are bits. A letter moves each of them on where it fits, and those behind a `%` also stay. So a text
 * costs its length times the words that the places fill, whatever both say: going back to the last `%`, as
 * is usual, costs the product of the two lengths, and whoever writes the selector chooses the pattern.
 */

import { SelectorRefused } from "./tokens.ts";

const WORD_BITS = 32;

/** Throws SelectorRefused. */
export function likeMatcher(
  pattern: string,
  escape: string | undefined,
): (text: string) => boolean {
  const { letters, stays } = partsOf(pattern, escape);
  const words = Math.floor(letters.length / WORD_BITS) + 1;
  const bitsWhere = (fits: (place: number) => boolean): Uint32Array => {
    const bits = new Uint32Array(words);
    for (let place = 0; place <= letters.length; place++) {
      if (fits(place)) bits[place >>> 5]! |= 1 << (place & 31);
    }
    return bits;
  };
  const staying = bitsWhere((place) => stays.has(place));
  const anyLetter = bitsWhere((place) => letters[place] === "one");
  const byLetter = new Map<string, Uint32Array>();
  for (const wanted of letters) {
    if (wanted === "one" || byLetter.has(wanted.letter)) continue;
    const fits = (place: number): boolean => {
      const at = letters[place];
      return at === "one" || at?.letter === wanted.letter;
    };
    byLetter.set(wanted.letter, bitsWhere(fits));
  }
  const last = letters.length;
  return (text) => {
    const places = new Uint32Array(words);
    places[0] = 1;
    for (let at = 0; at < text.length; at++) {
      const moving = byLetter.get(text[at]!) ?? anyLetter;
      let carried = 0;
      for (let word = 0; word < words; word++) {
        const moved = places[word]! & moving[word]!;
        places[word] = (moved << 1) | carried | (places[word]! & staying[word]!);
        carried = moved >>> 31;
      }
    }
    return (places[last >>> 5]! & (1 << (last & 31))) !== 0;
  };
}

interface Parts {
  readonly letters: readonly ("one" | { readonly letter: string })[];
  /** The places behind which there is a `%`. */
  readonly stays: ReadonlySet<number>;
}

function partsOf(pattern: string, escape: string | undefined): Parts {
  const letters: ("one" | { readonly letter: string })[] = [];
  const stays = new Set<number>();
  for (let at = 0; at < pattern.length; at++) {
    const letter = pattern[at]!;
    if (letter === escape) {
      if (at + 1 === pattern.length) throw new SelectorRefused("a pattern ends with its ESCAPE");
      letters.push({ letter: pattern[++at]! });
    } else if (letter === "%") stays.add(letters.length);
    else letters.push(letter === "_" ? "one" : { letter });
  }
  return { letters, stays };
}
