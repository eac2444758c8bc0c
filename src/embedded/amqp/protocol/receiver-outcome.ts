/** What a receiver says of a delivery, from what rhea read. */

/* oxlint-disable typescript/no-unsafe-type-assertion -- the fields are getters of classes that rhea makes at run time; each is looked at before it is used. */

import type { ReceiverOutcome } from "../links/link-source.ts";

const REASON_LETTERS_MAX = 2_000;

/** Undefined while it has said nothing final. */
export function readOutcome(state: unknown): ReceiverOutcome | undefined {
  if (typeof state !== "object" || state === null) return undefined;
  const { composite_type: kind } = state.constructor as { readonly composite_type?: string };
  switch (kind) {
    case "accepted":
    case "released":
      return { kind };
    case "modified": {
      const fields = state as {
        readonly delivery_failed?: unknown;
        readonly undeliverable_here?: unknown;
      };
      const failed = fields.delivery_failed === true;
      return { kind, failed, undeliverableHere: fields.undeliverable_here === true };
    }
    case "rejected": {
      const { error } = state as { readonly error?: unknown };
      const named = (error ?? {}) as {
        readonly condition?: unknown;
        readonly description?: unknown;
      };
      return {
        kind,
        condition: text(named.condition) ?? "amqp:rejected",
        description: text(named.description) ?? "its receiver rejected it without a reason",
      };
    }
    case undefined:
    default:
      return undefined;
  }
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value.slice(0, REASON_LETTERS_MAX) : undefined;
}
