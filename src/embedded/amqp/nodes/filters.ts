/**
 * The filters of a source that are understood: a selector, and where to begin. Any other is refused, since
 * a client that filters does not expect what it did not ask for.
 */

import type { StartAt } from "../../../model/position.ts";
import type { Filter } from "../protocol/terminus.ts";
import { SelectorRefused } from "../selector/selector.ts";

export interface SourceFilters {
  readonly selector: string | undefined;
  readonly from: StartAt | undefined;
}

/** By descriptor; some clients leave it out and use the names below. */
const SELECTORS: ReadonlySet<unknown> = new Set([
  "apache.org:selector-filter:string",
  0x46_8c_00_00_00_04,
]);
const SELECTOR_NAMES: ReadonlySet<string> = new Set(["jms-selector", "selector"]);
/** The second is that of another broker's clients. */
const STARTS: ReadonlySet<unknown> = new Set(["millrace:from", "rabbitmq:stream-offset-spec"]);

/** Throws SelectorRefused. */
export function readFilters(filters: ReadonlyMap<string, Filter>): SourceFilters {
  let selector: string | undefined;
  let from: StartAt | undefined;
  for (const [name, { descriptor = name, value }] of filters) {
    if (SELECTORS.has(descriptor) || SELECTOR_NAMES.has(String(descriptor))) {
      if (typeof value !== "string") throw new SelectorRefused("a selector is a text");
      selector = value.trim() === "" ? undefined : value;
    } else if (STARTS.has(descriptor)) {
      from = startOf(value);
    } else {
      throw new SelectorRefused(
        `the filter ${String(descriptor)} is not known here; apache.org:selector-filter:string and millrace:from are`,
        true,
      );
    }
  }
  return { selector, from };
}

/** `earliest` or `first`, `latest` or `next`, a moment, or an offset. */
function startOf(value: unknown): StartAt {
  if (value === "earliest" || value === "first") return "earliest";
  if (value === "latest" || value === "next") return "latest";
  if (value instanceof Date) return { timeMs: value.getTime() };
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) {
    return { offset: value };
  }
  throw new SelectorRefused(
    'millrace:from takes "earliest", "latest", a timestamp, or an offset as a whole number',
  );
}
