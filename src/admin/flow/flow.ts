/** The messages of one conversation, as a tree of causes. */

import { MillraceError } from "../../model/errors.ts";
import type { FlowOptions, ShownFlow } from "../api/flow-admin.ts";
import type { AdminContext } from "../context.ts";
import { causationTree } from "./causation-tree.ts";
import { searchConversation, type Search } from "./flow-search.ts";

const SCAN_MAX = 200_000;
const SCAN_MOST = 10_000_000;

/** Named by the id of any of its messages, too: then it is looked for a second time, whole. */
export async function flow(
  context: AdminContext,
  correlation: string,
  { since, scanMax = SCAN_MAX, signal }: FlowOptions,
  closing: AbortSignal,
): Promise<ShownFlow> {
  if (correlation === "") throw badArgument("correlation", "the correlation must not be empty");
  if (!Number.isSafeInteger(scanMax) || scanMax < 1 || scanMax > SCAN_MOST) {
    throw badArgument("scanMax", `scanMax must be a whole number from 1 to ${SCAN_MOST}`);
  }
  const search: Search = {
    correlation,
    since,
    scanMax,
    signal: signal === undefined ? closing : AbortSignal.any([signal, closing]),
  };
  const first = await searchConversation(context, search);
  const named = first.found.find(({ shown }) => shown.envelope?.id === correlation);
  const wider = named?.shown.envelope?.correlation ?? correlation;
  const { found, scanned, cuts } =
    wider === correlation
      ? first
      : await searchConversation(context, { ...search, correlation: wider });
  const cut = `${cuts.join("; ")}; begin elsewhere with since, or raise scanMax`;
  return {
    correlation: wider,
    messages: causationTree(found),
    scanned,
    ...(cuts.length > 0 && { cut }),
  };
}

function badArgument(argument: string, text: string): MillraceError {
  return new MillraceError("BAD_ARGUMENT", text, { details: { argument } });
}
