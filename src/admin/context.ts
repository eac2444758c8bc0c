/** What the topics of the admin API share: the broker and the services of this process. */

import type { Queues } from "../broker/queues.ts";
import type { Streams } from "../broker/streams.ts";
import type { Upkeep } from "../broker/upkeep/upkeep.ts";
import type { Environment } from "../model/environment.ts";
import { MillraceError } from "../model/errors.ts";
import type { Draft } from "../model/message.ts";
import type { Registry } from "../schema/registry.ts";
import type { Answer } from "../service/ask/answer.ts";
import type { AskOptions } from "../service/ask/direct-asks.ts";
import type { Service } from "../service/part.ts";
import type { RunningService } from "../service/running/running-service.ts";
import type { Store } from "../store/store.ts";

/** A service that does not run here, with its store open: for repairs while it is stopped. */
export interface IdleService {
  readonly service: Service;
  readonly store: Store;
}

/** Asks a service that may run in another process. */
export type AskElsewhere = (draft: Draft, options: AskOptions) => Promise<Answer>;

export interface AdminContext {
  readonly streams: Streams | undefined;
  readonly queues: Queues | undefined;
  readonly upkeep: Upkeep | undefined;
  /** Asked for anew at each call: services start and stop. */
  readonly services: () => readonly RunningService[];
  readonly idle: () => readonly IdleService[];
  readonly askElsewhere: AskElsewhere | undefined;
  readonly lateReplies: () => number;
  readonly registry: Registry;
  readonly environment: Environment;
}

/** A service with its store, running or not. */
export interface KnownService extends IdleService {
  readonly running: RunningService | undefined;
}

export function knownServices({ services, idle }: AdminContext): readonly KnownService[] {
  const running = services().map((one) => ({
    service: one.service,
    store: one.store,
    running: one,
  }));
  return [...running, ...idle().map((one) => ({ ...one, running: undefined }))].toSorted((a, b) =>
    compareNames(a.service.name, b.service.name),
  );
}

export function streamsOf({ streams }: AdminContext): Streams {
  if (streams !== undefined) return streams;
  throw noFace("streams");
}

export function queuesOf({ queues }: AdminContext): Queues {
  if (queues !== undefined) return queues;
  throw noFace("queues");
}

/** By code unit: the same everywhere, whatever the machine's language. */
export function compareNames(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function noFace(face: "streams" | "queues"): MillraceError {
  return new MillraceError(
    "CAPABILITY_MISSING",
    `this process has no broker for ${face}; configure one under "broker"`,
    { details: { capability: face } },
  );
}
