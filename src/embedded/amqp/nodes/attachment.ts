/**
 * Decides what a client's attach means: which node it names, whether that exists or is made, and whether
 * the client may use it. Nothing has been answered yet; a refusal says why and what to do.
 */

import type { May } from "../../doors/doorkeeper.ts";
import type { Action } from "../../../broker/rules.ts";
import { LIMITS } from "../../../model/limits.ts";
import type { StartAt } from "../../../model/position.ts";
import type { DoorContext } from "../door-context.ts";
import {
  INVALID_FIELD,
  NOT_ALLOWED,
  NOT_FOUND,
  NOT_IMPLEMENTED,
  UNAUTHORIZED,
  type Refusal,
} from "../protocol/conditions.ts";
import type { TerminusRequest } from "../protocol/terminus.ts";
import { SelectorRefused } from "../selector/selector.ts";
import { type Address, parseAddress } from "./address.ts";
import { readFilters, type SourceFilters } from "./filters.ts";
import { selectorOf, subscriptionName } from "./subscriptions.ts";

/** Where a link on which the client sends leads to. */
export type TargetPlan =
  | { readonly kind: "queue" | "stream"; readonly name: string; readonly dynamic: boolean }
  /** Each message says where it goes. */
  | { readonly kind: "relay" };

/** Where a link on which the client receives is fed from. */
export type SourcePlan =
  | { readonly kind: "queue"; readonly name: string; readonly dynamic: boolean }
  | { readonly kind: "dead-letters"; readonly name: string; readonly browses: boolean }
  | {
      readonly kind: "stream";
      readonly name: string;
      readonly from: StartAt;
      readonly selector: string | undefined;
    }
  | {
      readonly kind: "subscription";
      readonly name: string;
      readonly stream: string;
      readonly selector: string | undefined;
      /** The client asked for what there is under this name, without saying what it is. */
      readonly found: boolean;
    };

/** Refuses an attach. */
export class AttachRefused extends Error {
  override readonly name = "AttachRefused";
  readonly refusal: Refusal;

  constructor(condition: string, description: string) {
    super(description);
    this.refusal = { condition, description };
  }
}

export interface Attacher {
  readonly context: DoorContext;
  readonly may: May;
  /** Makes queues that end with it. */
  readonly owner: object;
  /** Of the client. */
  readonly containerId: string;
  /** Temporary queues of this connection. */
  readonly temporary: ReadonlySet<string>;
}

export class Attachments {
  readonly #attacher: Attacher;

  constructor(attacher: Attacher) {
    this.#attacher = attacher;
  }

  /** Throws AttachRefused, and what making a node throws. */
  async target(request: TerminusRequest | "coordinator" | undefined): Promise<TargetPlan> {
    if (request === "coordinator") {
      throw new AttachRefused(
        NOT_IMPLEMENTED,
        "transactions are not kept here; send and settle without one, and make repeated work harmless",
      );
    }
    if (request === undefined) throw new AttachRefused(INVALID_FIELD, "the attach names no target");
    if (request.dynamic)
      return { kind: "queue", name: await this.#temporary(request), dynamic: true };
    if (request.address === undefined || request.address === "") return { kind: "relay" };
    return this.targetOf(request.address, request.capabilities);
  }

  /** Of an address that a message or an attach names. */
  async targetOf(
    address: string,
    capabilities: readonly string[] = [],
  ): Promise<Exclude<TargetPlan, { readonly kind: "relay" }>> {
    const parsed = parsedAddress(address, capabilities);
    if (parsed.kind === "dead-letters") {
      throw new AttachRefused(
        NOT_ALLOWED,
        `${address} is where dead letters are read; nothing is sent there`,
      );
    }
    this.#require("write", parsed);
    await this.#make(parsed);
    return { kind: parsed.kind, name: parsed.name, dynamic: false };
  }

  /** Throws AttachRefused, and what making a node throws. */
  async source(
    request: TerminusRequest | "coordinator" | undefined,
    linkName: string,
  ): Promise<SourcePlan> {
    if (request === undefined || request === "coordinator") return this.#lookUp(linkName);
    if (request.dynamic)
      return { kind: "queue", name: await this.#temporary(request), dynamic: true };
    if (request.address === undefined) {
      throw new AttachRefused(INVALID_FIELD, "the source has no address; name a queue or a stream");
    }
    const address = parsedAddress(request.address, request.capabilities);
    const filters = checkedFilters(request);
    const browses = request.distributionMode === "copy";
    this.#require("read", address);
    if (address.kind === "stream") return this.#stream(request, address, filters, linkName);
    if (filters.selector !== undefined || filters.from !== undefined) {
      throw new AttachRefused(
        NOT_IMPLEMENTED,
        "a queue gives each message to whoever asks, so it takes no filters; put one on a stream's subscription",
      );
    }
    if (address.kind === "dead-letters") {
      this.#queueOrThrow(address.name);
      return { kind: "dead-letters", name: address.name, browses };
    }
    if (browses) {
      throw new AttachRefused(
        NOT_IMPLEMENTED,
        `waiting messages cannot be browsed; ${address.name}/$dead can, and a stream's messages are there to be read again`,
      );
    }
    await this.#make(address);
    return { kind: "queue", name: address.name, dynamic: false };
  }

  async #stream(
    { durable, expiryPolicy, capabilities }: TerminusRequest,
    address: Address,
    { selector, from = "latest" }: SourceFilters,
    linkName: string,
  ): Promise<SourcePlan> {
    if (capabilities.includes("shared")) {
      throw new AttachRefused(
        NOT_IMPLEMENTED,
        "a subscription belongs to one container; send to a queue what several are to share",
      );
    }
    await this.#make(address);
    if (durable === 0 && expiryPolicy !== "never") {
      const stream = this.#attacher.context.engine.streams.stream(address.name);
      for (let at = 0; at < stream.partitions; at++) await stream.resolve(at, from);
      return { kind: "stream", name: address.name, from, selector };
    }
    const { containerId, context } = this.#attacher;
    const name = subscriptionName(containerId, linkName);
    if (context.subscriptions.get(name) === undefined)
      this.#require("create", { kind: "queue", name });
    await context.subscriptions.ensure({ name, stream: address.name, selector, from });
    return { kind: "subscription", name, stream: address.name, selector, found: false };
  }

  /** A client that attaches to a link's name alone asks what it left there. */
  #lookUp(linkName: string): SourcePlan {
    const { containerId, context } = this.#attacher;
    const name = subscriptionName(containerId, linkName);
    const found = context.subscriptions.get(name);
    if (found === undefined) {
      throw new AttachRefused(
        NOT_FOUND,
        `there is no durable subscription ${linkName} of ${containerId}`,
      );
    }
    this.#require("read", { kind: "stream", name: found.stream });
    return { kind: "subscription", name, found: true, ...found };
  }

  async #temporary({ capabilities }: TerminusRequest): Promise<string> {
    if (capabilities.includes("temporary-topic")) {
      throw new AttachRefused(
        NOT_IMPLEMENTED,
        "temporary topics are not kept; use a temporary queue",
      );
    }
    const { context, owner } = this.#attacher;
    const name = `temp.${context.engine.environment.ids.newId()}`;
    this.#require("create", { kind: "queue", name });
    const depthMax = context.limits.temporaryDepthMax;
    await context.engine.queues.ensure({ name, temporary: true, depthMax }, owner);
    return name;
  }

  async #make({ kind, name }: Address): Promise<void> {
    const { engine, behaviour } = this.#attacher.context;
    const isThere =
      kind === "stream" ? engine.streams.streams.has(name) : engine.queues.queues.has(name);
    if (isThere) return;
    if (kind !== "stream") this.#damaged(name);
    if (!behaviour.autoCreate || !this.#attacher.may("create", kindOf(kind), name)) {
      throw new AttachRefused(
        NOT_FOUND,
        `there is no ${kindOf(kind)} ${name}, and it is not made by itself; create it first`,
      );
    }
    if (kind === "stream") await engine.streams.ensure({ name, partitions: 1 });
    // With key order, since a client that sends groups expects it.
    else await engine.queues.ensure({ name, keyOrder: true }, this.#attacher.owner);
  }

  /** Throws what keeps a queue from being opened, where there is such a queue. */
  #damaged(name: string): void {
    try {
      this.#attacher.context.engine.queues.queue(name);
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "UNKNOWN_QUEUE") return;
      throw error;
    }
  }

  #queueOrThrow(name: string): void {
    this.#attacher.context.engine.queues.queue(name);
  }

  #require(action: Action, { kind, name }: Address): void {
    const { may, temporary } = this.#attacher;
    if (temporary.has(name) || may(action, kindOf(kind), name)) return;
    throw new AttachRefused(
      UNAUTHORIZED,
      `no rule allows you to ${action} ${kindOf(kind)} "${name}"; add a rule, or sign in as somebody else`,
    );
  }
}

function kindOf(kind: Address["kind"]): "stream" | "queue" {
  return kind === "stream" ? "stream" : "queue";
}

function parsedAddress(address: string, capabilities: readonly string[]): Address {
  const parsed = parseAddress(address, capabilities);
  if (parsed !== undefined) return parsed;
  throw new AttachRefused(
    NOT_FOUND,
    `${JSON.stringify(address.slice(0, 100))} names nothing here; use NAME or /queues/NAME, NAME/$dead, or /streams/NAME, where NAME has at most ${LIMITS.nameLengthMax} of A–Z, a–z, 0–9, ".", "_" and "-"`,
  );
}

function checkedFilters(request: TerminusRequest): SourceFilters {
  try {
    const filters = readFilters(request.filters);
    selectorOf(filters.selector);
    return filters;
  } catch (error) {
    if (!(error instanceof SelectorRefused)) throw error;
    throw new AttachRefused(error.unsupported ? NOT_IMPLEMENTED : INVALID_FIELD, error.message);
  }
}
