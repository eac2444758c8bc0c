/** The timers of a saga's own machinery, beside those that it declares. */

import { encodeMessage } from "../codecs/cloudevents.ts";
import { jsonCodec } from "../codecs/json.ts";
import type { RawMessage } from "../model/message.ts";
import type { TimerType } from "../schema/declaration.ts";
import { timer } from "../schema/message-type.ts";
import type { RetryAbout } from "../service/instances/instances.ts";

export interface StepDeadlineData {
  readonly step: number;
  /** Whose answer is missing: the step's command's, or its undo's. */
  readonly of: "step" | "undo";
}

const deadlineSchema: TimerType<string, StepDeadlineData, StepDeadlineData>["schema"] = {
  "~standard": {
    version: 1,
    vendor: "millrace",
    validate: (value) =>
      isDeadline(value) ? { value } : { issues: [{ message: "is no deadline of a step" }] },
  },
};

/** Falls due when an answer was waited for long enough. */
export const StepDeadline: TimerType<"millrace.saga.deadline", StepDeadlineData, StepDeadlineData> =
  timer("millrace.saga.deadline", deadlineSchema);

/** Due at once: a person asked to go on with an instance that is stuck. Its data says nothing. */
export const Retry: TimerType<"millrace.saga.retry", unknown, unknown> = timer(
  "millrace.saga.retry",
  { "~standard": { version: 1, vendor: "millrace", validate: (value) => ({ value }) } },
);

export function isDeadline(value: unknown): value is StepDeadlineData {
  if (typeof value !== "object" || value === null || !("step" in value)) return false;
  return (
    typeof value.step === "number" && "of" in value && (value.of === "step" || value.of === "undo")
  );
}

// Timers that a saga declares are named by their types, and no type has a `#` in its name.

export function deadlineName(of: StepDeadlineData["of"], step: number): string {
  return `${of}#${step}`;
}

export const RETRY_NAME = "retry#";

export function retryMessage({ service, instance, id, nowMs }: RetryAbout): RawMessage {
  const { type, version } = Retry;
  const envelope = { id, type, kind: "timer", version, source: service, key: instance } as const;
  return encodeMessage({ ...envelope, time: nowMs }, jsonCodec(undefined).encode({}));
}
