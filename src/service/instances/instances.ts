/**
 * Looking at the instances of a saga, and setting one going again: plain data for the tools.
 *
 * The part says how its documents are to be understood; everything else is read here from the store,
 * so it is the same whether the service runs or not.
 */

import { decodeEnvelope } from "../../codecs/cloudevents-reader.ts";
import { isMillraceError, MillraceError } from "../../model/errors.ts";
import type { Environment } from "../../model/environment.ts";
import type { Store, StoredTimer } from "../../store/store.ts";
import type { TimerWrite } from "../../store/write-set.ts";
import type { Part, Service } from "../part.ts";

export type InstanceStatus = "active" | "compensating" | "ended" | "stuck";

export interface InstanceSummary {
  readonly instance: string;
  readonly status: InstanceStatus;
  /** Of the declaration under which it began, or to which it was migrated. */
  readonly version: number;
  readonly startedMs: number;
  readonly changedMs: number;
  /** Commands that are sent and not answered. */
  readonly openSteps: number;
  /** Why it was given up, where it was. */
  readonly aborted?: string;
  /** Why a person is needed, where it is stuck. */
  readonly stuck?: string;
}

export interface InstanceStep {
  readonly number: number;
  /** The command's type and id. */
  readonly type: string;
  readonly id: string;
  readonly state: "open" | "done" | "refused" | "undoing" | "undone" | "failed";
  readonly sentMs: number;
  readonly deadlineMs?: number;
  /** The type of the command that undoes it, and the id of the one that was sent last. */
  readonly undo?: string;
  readonly undoId?: string;
}

export interface InstanceDetail extends InstanceSummary {
  readonly stateJson: string;
  /** Oldest first. */
  readonly steps: readonly InstanceStep[];
  /** What an abort would send now, in this order. */
  readonly undoStack: readonly {
    readonly step: number;
    readonly type: string;
    readonly dataJson: string;
  }[];
  /** The messages that it took last, the newest last. */
  readonly history: readonly {
    readonly id: string;
    readonly type: string;
    readonly atMs: number;
  }[];
}

export interface ShownInstance extends InstanceDetail {
  readonly timers: readonly {
    readonly name: string;
    readonly type: string;
    readonly dueMs: number;
  }[];
}

/** How a part tells of its instances. */
export interface InstanceKeeper {
  /** Indexed by `status`. */
  readonly collection: string;
  readonly describe: (instance: string, json: string) => InstanceDetail;
  /** The timer, due at once, by which a person sets a stuck instance going again. */
  readonly retry: (about: RetryAbout) => TimerWrite;
}

export interface RetryAbout {
  readonly service: string;
  readonly consumer: string;
  readonly instance: string;
  readonly id: string;
  readonly nowMs: number;
}

export interface InstanceFilter {
  readonly status?: InstanceStatus;
  /** 1 to 1,000; 100 unless said. */
  readonly limit?: number;
  /** The `next` of the page before. */
  readonly after?: string;
}

export interface InstancePage {
  readonly instances: readonly InstanceSummary[];
  /** Opaque; absent on the last page. */
  readonly next?: string;
}

export class Instances {
  readonly #service: Service;
  readonly #store: Store;
  readonly #environment: Environment;

  constructor(service: Service, store: Store, environment: Environment) {
    this.#service = service;
    this.#store = store;
    this.#environment = environment;
  }

  /** By id. Throws NOT_FOUND for a saga that the service has not, BAD_ARGUMENT. */
  async list(saga: string, { status, limit, after }: InstanceFilter = {}): Promise<InstancePage> {
    const { keeper } = this.#sagaOf(saga);
    const page = await this.#store.findDocuments(keeper.collection, {
      ...(status !== undefined && { where: { status } }),
      ...(limit !== undefined && { limit }),
      ...(after !== undefined && { after }),
    });
    const instances = page.documents.map(({ id, json }) => summaryOf(keeper.describe(id, json)));
    return { instances, ...(page.next !== undefined && { next: page.next }) };
  }

  /** Throws NOT_FOUND for a saga or an instance that there is not. */
  async show(saga: string, instance: string): Promise<ShownInstance> {
    const { part, keeper } = this.#sagaOf(saga);
    const detail = await this.#detail(saga, keeper, instance);
    const timers = await this.#store.listTimers(part.consumer, { instance, limit: 1000 });
    return {
      ...detail,
      timers: timers
        .toSorted((a, b) => a.dueMs - b.dueMs)
        .map((timer) => ({ name: timer.name, type: typeOf(timer), dueMs: timer.dueMs })),
    };
  }

  /**
   * Sends the undo again at which the instance is stuck; returns the timer that will do so at once.
   * Throws NOT_FOUND, and CONFLICT for an instance that is not stuck.
   */
  async retry(saga: string, instance: string): Promise<TimerWrite> {
    const { part, keeper } = this.#sagaOf(saga);
    const { status } = await this.#detail(saga, keeper, instance);
    if (status !== "stuck") {
      throw new MillraceError(
        "CONFLICT",
        `instance ${instance} of ${saga} is ${status}; only a stuck one can be tried again`,
        { details: { saga, instance, status } },
      );
    }
    const { consumer } = part;
    const { ids, clock } = this.#environment;
    const about = { service: this.#service.name, consumer, instance };
    const timer = keeper.retry({ ...about, id: ids.newId(), nowMs: clock.now() });
    await this.#store.apply({ sets: [{ key: instance, finishes: [], timers: [timer] }] });
    return timer;
  }

  async #detail(saga: string, keeper: InstanceKeeper, instance: string): Promise<InstanceDetail> {
    const { collection, describe } = keeper;
    const found = (await this.#store.getDocuments(collection, [instance])).get(instance);
    if (found !== undefined) return describe(instance, found.json);
    throw new MillraceError(
      "NOT_FOUND",
      `saga "${saga}" has no instance ${JSON.stringify(instance)}; list its instances to see which there are`,
      { details: { saga, instance } },
    );
  }

  #sagaOf(saga: string): { readonly part: Part; readonly keeper: InstanceKeeper } {
    const { name, parts } = this.#service;
    const part = parts.find((each) => each.name === saga && each.instances !== undefined);
    if (part?.instances !== undefined) return { part, keeper: part.instances };
    const known = parts.filter((each) => each.instances !== undefined).map((each) => each.name);
    throw new MillraceError(
      "NOT_FOUND",
      `service "${name}" has no saga "${saga}"; it has ${known.join(", ") || "none"}`,
      { details: { service: name, saga } },
    );
  }
}

function summaryOf(detail: InstanceDetail): InstanceSummary {
  const { instance, status, version, startedMs, changedMs, openSteps, aborted, stuck } = detail;
  return {
    instance,
    status,
    version,
    startedMs,
    changedMs,
    openSteps,
    ...(aborted !== undefined && { aborted }),
    ...(stuck !== undefined && { stuck }),
  };
}

/** Who looks at a timer wants to see it, also one whose message is damaged. */
function typeOf({ message, dueMs, name }: StoredTimer): string {
  try {
    return decodeEnvelope(message, { receivedMs: dueMs }).type;
  } catch (error) {
    if (isMillraceError(error, "BAD_ENVELOPE")) return name;
    throw error;
  }
}
