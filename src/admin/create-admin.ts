/** The admin API on a broker and services in this process. Each topic stands in a file of its own. */

import type { Queues } from "../broker/queues.ts";
import type { Streams } from "../broker/streams.ts";
import type { Upkeep } from "../broker/upkeep/upkeep.ts";
import type { Environment } from "../model/environment.ts";
import { MillraceError } from "../model/errors.ts";
import type { Registry } from "../schema/registry.ts";
import type { RunningService } from "../service/running/running-service.ts";
import type { Admin } from "./admin.ts";
import { askCommand, sendCommand } from "./commands.ts";
import {
  compareNames,
  queuesOf,
  streamsOf,
  type AdminContext,
  type AskElsewhere,
  type IdleService,
} from "./context.ts";
import { findDocuments, getDocument } from "./documents.ts";
import { editFailure } from "./failures/edit-failure.ts";
import { listFailures, repair, showFailure } from "./failures/failures.ts";
import { flow } from "./flow/flow.ts";
import { locate } from "./locate.ts";
import { describe, lag } from "./overview.ts";
import { publish } from "./publish.ts";
import { readRecords } from "./read-records.ts";
import { JobBook } from "./replay/job-book.ts";
import { planReplay, startReplay } from "./replay/replays.ts";
import { seek } from "./seek.ts";
import { listPauses, pausePart, resumePart } from "./services/pauses.ts";
import { listSagas, retrySaga, showSaga } from "./services/sagas.ts";
import { stateOf } from "./services/states.ts";
import { diskUse, startBackup, startVerify } from "./services/upkeep.ts";
import { dropView, listViews, rebuildView, swapView } from "./services/view-generations.ts";

export interface AdminOptions {
  readonly streams?: Streams | undefined;
  readonly queues?: Queues | undefined;
  readonly upkeep?: Upkeep | undefined;
  /** Asked for anew at each call: services start and stop. */
  readonly services?: () => readonly RunningService[];
  /** Services that do not run here and whose stores are open, for repairs while they are stopped. */
  readonly idle?: () => readonly IdleService[];
  /** Asks services of other processes too; without it only those that run here are asked. */
  readonly ask?: AskElsewhere;
  /** Answers that came too late, so far; none unless said. */
  readonly lateReplies?: () => number;
  /** Every channel declared in reach. */
  readonly registry: Registry;
  readonly environment: Environment;
}

/** Its end ends reads that follow; broker and services belong to the caller and stay as they are. */
export function createAdmin(options: AdminOptions): Admin {
  const context: AdminContext = {
    streams: options.streams,
    queues: options.queues,
    upkeep: options.upkeep,
    services: options.services ?? (() => []),
    idle: options.idle ?? (() => []),
    askElsewhere: options.ask,
    lateReplies: options.lateReplies ?? (() => 0),
    registry: options.registry,
    environment: options.environment,
  };
  const closing = new AbortController();
  const jobs = new JobBook(options.environment);
  const open = (): AdminContext => {
    if (!closing.signal.aborted) return context;
    throw new MillraceError("CLOSED", "this admin API was closed; open another one");
  };
  return {
    publish: async (messages) => publish(open(), messages),
    read: (stream, readOptions) => readRecords(open(), stream, readOptions, closing.signal),
    locate: async (stream, expression, { partition } = {}) => {
      const streams = streamsOf(open());
      return locate(streams, await streams.describeStream(stream), expression, { partition });
    },
    describe: async () => describe(open()),
    listStreams: async () => {
      const infos = await streamsOf(open()).listStreams();
      return infos.toSorted((a, b) => compareNames(a.spec.name, b.spec.name));
    },
    describeStream: async (stream) => streamsOf(open()).describeStream(stream),
    listQueues: async () => {
      const infos = await queuesOf(open()).listQueues();
      return infos.toSorted((a, b) => compareNames(a.spec.name, b.spec.name));
    },
    describeQueue: async (queue) => queuesOf(open()).describeQueue(queue),
    listGroups: async () => {
      const infos = await streamsOf(open()).listGroups();
      return infos.toSorted((a, b) => compareNames(a.group, b.group));
    },
    describeGroup: async (group) => streamsOf(open()).describeGroup(group),
    seek: async (seekOptions) => seek(open(), seekOptions),
    lag: async () => lag(open()),
    get: async (view, id, readOptions) => getDocument(open(), view, id, readOptions),
    find: async (view, query, readOptions) => findDocuments(open(), view, query, readOptions),
    ask: async (command, askOptions = {}) => askCommand(open(), command, askOptions),
    send: async (command) => sendCommand(open(), command),
    listFailures: async (filter) => listFailures(open(), filter),
    showFailure: async (ref) => showFailure(open(), ref),
    redrive: async (failures, repairOptions) => repair(open(), "redrive", failures, repairOptions),
    discard: async (failures, repairOptions) => repair(open(), "discard", failures, repairOptions),
    editFailure: async (ref, edit, repairOptions = {}) =>
      editFailure(open(), ref, edit, repairOptions),
    pausePart: async (part, pauseOptions = {}) => pausePart(open(), part, pauseOptions),
    resumePart: async (part, pauseOptions = {}) => resumePart(open(), part, pauseOptions),
    listPauses: async () => listPauses(open()),
    planReplay: async (request) => planReplay(open(), request),
    runReplay: async (request, jobOptions = {}) => startReplay(open(), jobs, request, jobOptions),
    listJobs: async () => jobs.list(),
    showJob: async (id) => jobs.show(id),
    cancelJob: async (id, { by = "unknown" } = {}) => {
      const job = jobs.cancel(id);
      open().environment.log.info({ action: "cancel", job: id, by }, "a job was cancelled");
      return job;
    },
    backup: async (target, { by } = {}) => startBackup(open(), jobs, { target, by }),
    verifyLogs: async (verifyOptions) => startVerify(open(), jobs, verifyOptions),
    diskUse: async () => diskUse(open()),
    stateOf: async (entity, { at } = {}) => stateOf(open(), entity, at),
    listViews: async () => listViews(open()),
    rebuildView: async (view, repairOptions = {}) => rebuildView(open(), view, repairOptions),
    swapView: async (view, swapOptions = {}) => swapView(open(), view, swapOptions),
    dropView: async (view, generation, repairOptions = {}) =>
      dropView(open(), view, generation, repairOptions),
    listSagas: async (filter = {}) => listSagas(open(), filter),
    showSaga: async (saga, instance) => showSaga(open(), saga, instance),
    retrySaga: async (saga, instance, repairOptions = {}) =>
      retrySaga(open(), saga, instance, repairOptions),
    flow: async (correlation, flowOptions = {}) =>
      flow(open(), correlation, flowOptions, closing.signal),
    async [Symbol.asyncDispose]() {
      closing.abort();
      jobs.cancelAll();
    },
  };
}
