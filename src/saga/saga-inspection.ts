/** A saga's instances as the tools show them, and how a person sets a stuck one going again. */

import { documentJson } from "../service/document-json.ts";
import type { InstanceDetail, RetryAbout } from "../service/instances/instances.ts";
import type { TimerWrite } from "../store/write-set.ts";
import { parseInstance } from "./saga-instance.ts";
import { retryMessage, RETRY_NAME } from "./saga-timers.ts";

export function describeInstance(instance: string, json: string): InstanceDetail {
  const { state, steps, stepCount: _, ...kept } = parseInstance(json);
  const undoable = steps.filter(
    ({ state: at, undo }) => undo !== undefined && (at === "open" || at === "done"),
  );
  return {
    ...kept,
    instance,
    openSteps: kept.status === "ended" ? 0 : steps.filter((step) => step.state === "open").length,
    stateJson: documentJson(state),
    steps: steps.map(({ undo, undoRefused: __, ...step }) => ({
      ...step,
      ...(undo !== undefined && { undo: undo.type }),
    })),
    undoStack:
      kept.status === "ended"
        ? []
        : undoable.toReversed().map(({ number, undo }) => ({
            step: number,
            type: undo!.type,
            dataJson: documentJson(undo!.data),
          })),
  };
}

export function retryTimer(about: RetryAbout): TimerWrite {
  const { consumer, instance, id, nowMs } = about;
  return { consumer, instance, name: RETRY_NAME, id, dueMs: nowMs, message: retryMessage(about) };
}
