/** Publishing by hand and through the door: items fail one by one, targets are served side by side. */

import { isMillraceError, MillraceError } from "../model/errors.ts";
import { LIMITS } from "../model/limits.ts";
import type { Outcome } from "../model/outcome.ts";
import type { Published, PublishRequest } from "./admin.ts";
import { queuesOf, streamsOf, type AdminContext } from "./context.ts";
import { prepareMessage, type PreparedMessage } from "./prepare-message.ts";

export async function publish(
  context: AdminContext,
  requests: readonly PublishRequest[],
): Promise<readonly Outcome<Published>[]> {
  const prepared = requests.map((request) => attempt(() => prepareMessage(context, request)));
  const outcomes: Outcome<Published>[] = prepared.map((item) => (item.ok ? NOT_SENT : item));
  const byTarget = Map.groupBy(prepared.keys(), (index) => {
    const item = prepared[index]!;
    return item.ok ? `${item.value.target.kind} ${item.value.target.name}` : "";
  });
  byTarget.delete("");
  await Promise.all(
    Array.from(byTarget.values(), async (indexes) => {
      const items = indexes.flatMap((index) => {
        const item = prepared[index]!;
        return item.ok ? [item.value] : [];
      });
      const sent = await send(context, items);
      indexes.forEach((index, at) => (outcomes[index] = sent[at]!));
    }),
  );
  return outcomes;
}

const NOT_SENT: Outcome<Published> = {
  ok: false,
  error: new MillraceError("CANCELLED", "the message was not sent"),
};

function attempt(make: () => PreparedMessage): Outcome<PreparedMessage> {
  try {
    return { ok: true, value: make() };
  } catch (error) {
    if (isMillraceError(error)) return { ok: false, error };
    throw error;
  }
}

async function send(
  context: AdminContext,
  items: readonly PreparedMessage[],
): Promise<readonly Outcome<Published>[]> {
  const outcomes: Outcome<Published>[] = [];
  for (let at = 0; at < items.length; at += LIMITS.batchCountMax) {
    const batch = items.slice(at, at + LIMITS.batchCountMax);
    outcomes.push(...(await sendBatch(context, batch)));
  }
  return outcomes;
}

async function sendBatch(
  context: AdminContext,
  items: readonly PreparedMessage[],
): Promise<readonly Outcome<Published>[]> {
  const { kind, name } = items[0]!.target;
  try {
    const results =
      kind === "stream"
        ? await streamsOf(context).append(
            name,
            items.map(({ message }) => message),
          )
        : await queuesOf(context).send(
            name,
            items.map(({ message }) => ({ message })),
          );
    return results.map((result, at): Outcome<Published> => {
      if (!result.ok) return result;
      const { id, target } = items[at]!;
      return { ok: true, value: { id, target, ...result.value } };
    });
  } catch (error) {
    // The target as a whole is refused, an unknown stream say: other targets go on.
    if (!isMillraceError(error)) throw error;
    return items.map(() => ({ ok: false, error }));
  }
}
