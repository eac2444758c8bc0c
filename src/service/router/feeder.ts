/** The part that feeds a subscription: hidden in the service that reads it, seen in its status. */

import type { SubscriptionDeclaration } from "../../schema/declaration.ts";
import { DEFAULT_POLICY, type Part } from "../part.ts";
import { routingPart } from "./router.ts";
import { conditionOf } from "./rule.ts";

/** Keys at one time: where it need not decode, its work does not wait. */
const CONCURRENCY = 1024;

export function feederOf(subscription: SubscriptionDeclaration): Part {
  const { name, feed } = subscription;
  const { attributes, where } = conditionOf(feed.where);
  const rule = {
    what: `subscription "${name}"`,
    types: feed.admits,
    attributes,
    where,
    route: {
      kind: "forward",
      target: { kind: "queue", name },
      channel: subscription,
      set: feed.set,
      as: undefined,
    },
  } as const;
  return Object.freeze<Part>({
    ...routingPart({
      name: `${name}.feed`,
      from: [feed.stream],
      rules: [rule],
      mode: "first",
      otherwise: undefined,
    }),
    partKind: "subscription",
    policy: DEFAULT_POLICY,
    concurrency: CONCURRENCY,
    start: "earliest",
  });
}
