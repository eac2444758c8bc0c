/**
 * Given, when, then: cases of the pure parts, without a broker, a store or a clock.
 *
 * ```ts
 * given(order, [OrderPlaced({ orderId: "o1", total: 5 })])
 *   .when(PayOrder({ orderId: "o1" }))
 *   .then([OrderPaid({ orderId: "o1" })]);
 * ```
 *
 * Everything given and decided goes through its schema, so a case cannot pass with a payload that
 * could not be published. Nothing of a case is awaited.
 */

import type { Draft } from "../../model/message.ts";
import type { Saga } from "../../saga/saga.ts";
import type { DeciderShape } from "../../sourcing/decider-types.ts";
import type { Decider } from "../../sourcing/decider.ts";
import type { View } from "../../sourcing/view.ts";
import { givenDecider, type DeciderCase, type EventDrafts } from "./given-decider.ts";
import { givenSaga, type ReactedCase } from "./given-saga.ts";
import { givenView, type ViewCase } from "./given-view.ts";

/** A decider: the events of one entity so far. */
export function given<Shape extends DeciderShape, State>(
  part: Decider<Shape, State>,
  events?: readonly EventDrafts<Shape>[],
): DeciderCase<Shape, State>;
/** A view: all events so far. */
export function given<State>(
  part: View<State>,
  events: readonly Draft<string, unknown, "event">[],
): ViewCase<State>;
/** A saga: what happened to one instance so far. */
export function given(
  part: Saga,
  events?: readonly Draft<string, unknown, "event" | "timer">[],
): ReactedCase;
export function given(
  part: Decider | View | Saga,
  events: readonly any[] = [],
): DeciderCase<any, any> | ViewCase<any> | ReactedCase {
  if (part.partKind === "decider") return givenDecider(part, events);
  return part.partKind === "view" ? givenView(part, events) : givenSaga(part, events);
}
