/**
 * The admin API as far as somebody may use it: here the rules are asked, for every door.
 *
 * What looks at all there is (`describe`, lists, `lag`) shows what may be read and is silent about the
 * rest. What has one resource is refused with it. What reaches across everything (a conversation, all
 * failures, an entity's state, jobs) needs the right to the broker as a whole.
 */

import type { Action, Resource, ResourceKind, Rule } from "../../broker/rules.ts";
import { allowed, requireAllowed } from "../../broker/rules.ts";
import type { Principal } from "../../broker/sign-in.ts";
import { isMillraceError, MillraceError } from "../../model/errors.ts";
import type { Outcome } from "../../model/outcome.ts";
import { createRegistry, type Registry } from "../../schema/registry.ts";
import { parseReplyAddress } from "../../service/ask/reply-message.ts";
import type { FailureFilter, Published, PublishRequest } from "../admin.ts";
import type { Admin } from "../admin.ts";
import { parseFailureRef } from "../failures/failure-ref.ts";
import type { KnownNames } from "./known-names.ts";

export interface GuardOptions {
  readonly principal: Principal;
  readonly rules: readonly Rule[];
  readonly registry: Registry;
  readonly names: KnownNames;
}

const BROKER: Resource = { kind: "broker", name: "broker" };

/** The types of the channels that a principal may read or write: no others are told. */
export function registryFor(
  registry: Registry,
  { principal, rules }: Pick<GuardOptions, "principal" | "rules">,
): Registry {
  const actions = ["read", "write"] as const;
  return createRegistry(
    registry.channels.filter(({ kind, name }) =>
      actions.some((action) => allowed(rules, { principal, action, resource: { kind, name } })),
    ),
  );
}

export function guardAdmin(
  admin: Admin,
  { principal, rules, registry, names }: GuardOptions,
): Admin {
  const may = (action: Action, kind: ResourceKind, name: string): boolean =>
    allowed(rules, { principal, action, resource: { kind, name } });
  const need = (action: Action, resource: Resource): void =>
    requireAllowed(rules, { principal, action, resource });

  const needView = async (action: Action, view: string): Promise<void> =>
    need(action, { kind: "view", name: await names.view(view) });
  const needPart = async (action: Action, part: string): Promise<void> => {
    const service = await names.serviceOf(part);
    need(action, service === undefined ? BROKER : { kind: "service", name: service });
  };
  const needGroup = async (action: Action, group: string): Promise<void> => {
    // A service's part moves under the name of its group, and that of each generation of it.
    const owners = await names.ownersOf(group);
    for (const name of owners) need(action, { kind: "service", name });
    if (owners.length === 0) need(action, { kind: "group", name: group });
  };
  const needRef = (action: Action, ref: string): void => {
    const named = parseFailureRef(ref);
    if (named.place === "queue") need(action, { kind: "queue", name: named.queue });
    else need(action, { kind: "service", name: named.service });
  };
  const needFailures = async (
    action: Action,
    failures: readonly string[] | FailureFilter,
  ): Promise<void> => {
    if (isRefs(failures)) for (const ref of failures) needRef(action, ref);
    else {
      const { queue, part } = failures;
      if (queue !== undefined) need(action, { kind: "queue", name: queue });
      if (part !== undefined) await needPart(action, part);
      if (queue === undefined && part === undefined) need(action, BROKER);
    }
  };
  /** Every channel that the message may come to; what is known to nobody comes nowhere. */
  const needTargets = ({ type, to, replyTo }: PublishRequest): void => {
    const targets = to === undefined ? registry.find(type)?.channels : [to];
    if (targets === undefined) throw unknownType(type);
    for (const { kind, name } of targets) need("write", { kind, name });
    // An answer is written where the message says.
    if (replyTo !== undefined) {
      need("write", { kind: "queue", name: parseReplyAddress(replyTo).queue });
    }
  };
  const refusalOf = (request: PublishRequest): Outcome<Published> | undefined => {
    try {
      needTargets(request);
      return undefined;
    } catch (error) {
      if (isMillraceError(error)) return { ok: false, error };
      throw error;
    }
  };
  const by = { by: principal.name };
  /** Nobody speaks for another. */
  const inOwnName = (request: PublishRequest): PublishRequest => ({
    ...request,
    actor: principal.name,
  });

  return {
    async publish(messages) {
      const refused = messages.map(refusalOf);
      const taken = messages.filter((_, at) => refused[at] === undefined);
      const published = (await admin.publish(taken.map(inOwnName))).values();
      return refused.map((refusal) => refusal ?? published.next().value!);
    },
    read: (stream, options) => {
      need("read", { kind: "stream", name: stream });
      return admin.read(stream, options);
    },
    locate: async (stream, expression, options) => {
      need("read", { kind: "stream", name: stream });
      return admin.locate(stream, expression, options);
    },
    describe: async () => {
      const { services, streams, queues, groups, lateReplies, disk } = await admin.describe();
      return {
        services: services.filter(({ name }) => may("read", "service", name)),
        streams: streams.filter(({ spec }) => may("read", "stream", spec.name)),
        queues: queues.filter(({ spec }) => may("read", "queue", spec.name)),
        groups: groups.filter(({ group }) => may("read", "group", group)),
        lateReplies,
        ...(disk !== undefined && may("read", BROKER.kind, BROKER.name) && { disk }),
      };
    },
    listStreams: async () =>
      (await admin.listStreams()).filter(({ spec }) => may("read", "stream", spec.name)),
    describeStream: async (stream) => {
      need("read", { kind: "stream", name: stream });
      return admin.describeStream(stream);
    },
    listQueues: async () =>
      (await admin.listQueues()).filter(({ spec }) => may("read", "queue", spec.name)),
    describeQueue: async (queue) => {
      need("read", { kind: "queue", name: queue });
      return admin.describeQueue(queue);
    },
    listGroups: async () =>
      (await admin.listGroups()).filter(({ group }) => may("read", "group", group)),
    describeGroup: async (group) => {
      need("read", { kind: "group", name: group });
      return admin.describeGroup(group);
    },
    seek: async (options) => {
      await needGroup("admin", options.group);
      return admin.seek({ ...options, ...by });
    },
    lag: async () => (await admin.lag()).filter(({ service }) => may("read", "service", service)),

    get: async (view, id, options) => {
      await needView("read", view);
      return admin.get(view, id, options);
    },
    find: async (view, query, options) => {
      await needView("read", view);
      return admin.find(view, query, options);
    },
    ask: async (command, options) => {
      // Whatever address it names: it is done by whoever handles its type.
      const { to: _, ...addressed } = command;
      needTargets(addressed);
      return admin.ask(inOwnName(command), options);
    },
    send: async (command) => {
      needTargets(command);
      return admin.send(inOwnName(command));
    },

    listFailures: async (filter = {}) => {
      await needFailures("read", filter);
      return admin.listFailures(filter);
    },
    showFailure: async (ref) => {
      needRef("read", ref);
      return admin.showFailure(ref);
    },
    redrive: async (failures, options) => {
      await needFailures("admin", failures);
      return admin.redrive(failures, { ...options, ...by });
    },
    discard: async (failures, options) => {
      await needFailures("delete", failures);
      return admin.discard(failures, { ...options, ...by });
    },
    editFailure: async (ref, edit, options) => {
      needRef("admin", ref);
      return admin.editFailure(ref, edit, { ...options, ...by });
    },

    flow: async (correlation, options) => {
      need("read", BROKER);
      return admin.flow(correlation, options);
    },
    stateOf: async (entity, options) => {
      need("read", BROKER);
      return admin.stateOf(entity, options);
    },

    listPauses: async () => {
      const pauses = await admin.listPauses();
      const services = await Promise.all(pauses.map(({ part }) => names.serviceOf(part)));
      return pauses.filter((_, at) => {
        const service = services[at];
        return service !== undefined && may("read", "service", service);
      });
    },
    pausePart: async (part, options) => {
      await needPart("admin", part);
      return admin.pausePart(part, { ...options, ...by });
    },
    resumePart: async (part, options) => {
      await needPart("admin", part);
      return admin.resumePart(part, { ...options, ...by });
    },

    planReplay: async (request) => {
      await needPart("read", request.part);
      return admin.planReplay(request);
    },
    runReplay: async (request) => {
      await needPart("admin", request.part);
      return admin.runReplay(request, by);
    },
    listJobs: async () => {
      need("read", BROKER);
      return admin.listJobs();
    },
    showJob: async (id) => {
      need("read", BROKER);
      return admin.showJob(id);
    },
    cancelJob: async (id) => {
      need("admin", BROKER);
      return admin.cancelJob(id, by);
    },

    backup: async (target) => {
      need("admin", BROKER);
      return admin.backup(target, by);
    },
    verifyLogs: async (options) => {
      need("admin", BROKER);
      return admin.verifyLogs({ ...options, ...by });
    },
    diskUse: async () => {
      need("read", BROKER);
      return admin.diskUse();
    },

    listSagas: async (filter) => {
      const { instances, ...page } = await admin.listSagas(filter);
      return {
        ...page,
        instances: instances.filter(({ service }) => may("read", "service", service)),
      };
    },
    showSaga: async (saga, instance) => {
      await needPart("read", saga);
      return admin.showSaga(saga, instance);
    },
    retrySaga: async (saga, instance, options) => {
      await needPart("admin", saga);
      return admin.retrySaga(saga, instance, { ...options, ...by });
    },

    listViews: async () =>
      (await admin.listViews()).filter(({ view }) => may("read", "view", view)),
    rebuildView: async (view, options) => {
      await needView("admin", view);
      return admin.rebuildView(view, { ...options, ...by });
    },
    swapView: async (view, options) => {
      await needView("admin", view);
      return admin.swapView(view, { ...options, ...by });
    },
    dropView: async (view, generation, options) => {
      await needView("delete", view);
      return admin.dropView(view, generation, { ...options, ...by });
    },
    // It belongs to the door: one caller's leaving must not close it for the others.
    async [Symbol.asyncDispose]() {},
  };
}

/** Without the types that there are: they may be those of others. */
function unknownType(type: string): MillraceError {
  const shown = type.slice(0, 100);
  return new MillraceError(
    "UNKNOWN_TYPE",
    `no declared stream or queue carries the type ${JSON.stringify(shown)}; see /openapi.json for those that are yours, or say where to`,
    { details: { type: shown } },
  );
}

function isRefs(failures: readonly string[] | FailureFilter): failures is readonly string[] {
  return Array.isArray(failures);
}
