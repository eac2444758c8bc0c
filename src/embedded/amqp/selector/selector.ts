/**
 * Selectors (`apache.org:selector-filter:string`): the part of SQL 92's conditions that JMS made common.
 *
 * Understood are comparisons (`= <> < <= > >=`), AND, OR, NOT, parentheses, IN, LIKE with ESCAPE, BETWEEN,
 * IS NULL, texts, numbers, TRUE and FALSE. Names are application properties, or one of `FIELDS`. Arithmetic
 * is refused, not ignored.
 *
 * As in SQL a condition is true, false or unknown: what a message does not have is unknown, and so is a
 * comparison of two types. Only what is true is chosen.
 */

import type { Lookup } from "./condition.ts";
import { parseCondition } from "./parser.ts";

export { SelectorRefused } from "./tokens.ts";

/** Throws SelectorRefused. */
export function parseSelector(selector: string): (lookup: Lookup) => boolean {
  const condition = parseCondition(selector);
  return (lookup) => condition(lookup) === true;
}
