/** Instances of sagas: where each stands, and repairing one that is stuck. */

import type { RepairOptions } from "../admin.ts";

export type SagaStatus = "active" | "compensating" | "ended" | "stuck";

export interface SagaFilter {
  /** By its name, or `service.saga`. */
  readonly saga?: string;
  readonly status?: SagaStatus;
  /** 1 to 1,000; 100 unless said. */
  readonly limit?: number;
  /** Go on after the page that ended with this cursor. */
  readonly after?: string;
}

export interface SagaInstance {
  readonly service: string;
  readonly saga: string;
  readonly instance: string;
  readonly status: SagaStatus;
  /** Of the saga's declaration, under which the instance began or to which it was migrated. */
  readonly version: number;
  readonly startedMs: number;
  readonly changedMs: number;
  /** Commands that are sent and not answered. */
  readonly openSteps: number;
  /** Why a person is needed, where the instance is stuck. */
  readonly stuck?: string;
}

export interface ShownSaga extends SagaInstance {
  readonly stateJson: string;
  /** Oldest first. */
  readonly steps: readonly {
    /** The id of the step's command. */
    readonly id: string;
    readonly type: string;
    readonly state: "open" | "done" | "refused" | "undoing" | "undone" | "failed";
    /** The type of the command that would undo it. */
    readonly undo?: string;
    readonly deadlineMs?: number;
  }[];
  readonly timers: readonly {
    readonly name: string;
    readonly type: string;
    readonly dueMs: number;
  }[];
}

export interface SagaAdmin {
  /** By service, saga and instance. */
  listSagas(
    filter?: SagaFilter,
  ): Promise<{ readonly instances: readonly SagaInstance[]; readonly next?: string }>;
  /** Throws NOT_FOUND. */
  showSaga(saga: string, instance: string): Promise<ShownSaga>;
  /** Tries the undo again that a stuck instance stands at. Throws NOT_FOUND, CONFLICT where it is not stuck. */
  retrySaga(saga: string, instance: string, options?: RepairOptions): Promise<SagaInstance>;
}
