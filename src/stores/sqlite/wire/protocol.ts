/** What the two threads say to each other. */

import { MillraceError } from "../../../model/errors.ts";
import type { ErrorCode, ErrorDetails } from "../../../model/errors.ts";
import type { IdWindow } from "../../../store/limits.ts";
import type { DatabaseOptions } from "../database.ts";
import type { Engine } from "../engine.ts";

/** The engine's operations, by whether they write; `forget` is the worker's own. */
const WRITES = [
  "apply",
  "ensureCollections",
  "dropCollection",
  "takeOver",
  "seek",
  "forgetConsumer",
  "trimEffects",
  "leaseLane",
  "trimOutbox",
  "redriveParked",
  "redriveDue",
  "discardParked",
] as const satisfies readonly (keyof Engine)[];

export type Operation = Exclude<keyof Engine, "forget">;
export type Arguments<Name extends Operation> = Parameters<Engine[Name]>;
export type Result<Name extends Operation> = ReturnType<Engine[Name]>;

export function isWrite(operation: Operation): boolean {
  return (WRITES as readonly Operation[]).includes(operation);
}

export interface Request {
  readonly id: number;
  readonly operation: Operation;
  readonly parameters: readonly unknown[];
}

/** What the worker is started with. */
export interface WorkerOptions {
  readonly database: DatabaseOptions;
  readonly idWindow: IdWindow;
}

/** Copies the file; writes that come from its end on are held until `thaw`. */
export interface BackupOrder {
  readonly id: number;
  readonly backupTo: string;
}

/** Lets go what a backup holds. */
export interface ThawOrder {
  readonly id: number;
  readonly thaw: true;
}

export type ToWorker = Request | BackupOrder | ThawOrder | "close";

export type Answer =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly failure: PackedError };

/** First one `opened` or `refused`, then answers, each time all those of one commit. */
export type FromWorker =
  | { readonly kind: "opened"; readonly epoch: number }
  | { readonly kind: "refused"; readonly failure: PackedError }
  | { readonly kind: "answers"; readonly answers: readonly Answer[] };

/** An error's plain data: classes do not survive the way between threads. */
export interface PackedError {
  /** Undefined for what is no `MillraceError`: a defect. */
  readonly code: ErrorCode | undefined;
  readonly message: string;
  readonly retryable: boolean;
  readonly details: ErrorDetails;
  readonly stack: string | undefined;
}

export function packError(error: unknown): PackedError {
  if (error instanceof MillraceError) {
    const { code, message, retryable, details } = error;
    const cause = error.cause instanceof Error ? error.cause.stack : undefined;
    return { code, message, retryable, details, stack: cause };
  }
  const known = error instanceof Error ? error : new Error(String(error));
  const { message, stack } = known;
  return { code: undefined, message, retryable: false, details: {}, stack };
}

export function unpackError({ code, message, retryable, details, stack }: PackedError): Error {
  const cause = stack === undefined ? undefined : new Error(`in the store's worker: ${stack}`);
  if (code === undefined) return new Error(message, { cause });
  return new MillraceError(code, message, { retryable, details, cause });
}
