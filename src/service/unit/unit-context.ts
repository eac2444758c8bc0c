/** What a worker gets for one unit. */

import type { Draft, Message, RawMessage } from "../../model/message.ts";
import type { StoredDocument, StoredEffect, StoredEvent } from "../../store/store.ts";
import type { OutgoingMessage } from "../../store/write-set.ts";
import type { EffectMode } from "../effects/effect-mode.ts";
import type { EngineOptions } from "../input/engine-options.ts";
import { refKey, type Snapshot } from "../input/documents.ts";
import type { Unit } from "../input/key-lanes.ts";
import { VIA, viaOf } from "../../model/passing.ts";
import { causedBy, type Stamp } from "../message-stamper.ts";
import type { Chance, DocumentRef, KeptStampOptions, StampOptions, WorkContext } from "../part.ts";
import { createChance } from "./chance.ts";

type ContextOptions = Pick<
  EngineOptions,
  "service" | "part" | "store" | "documents" | "reads" | "stamper" | "environment" | "effects"
>;

/** A class rather than a literal: there is one for every unit, and most use little of it. */
export class UnitContext implements WorkContext {
  readonly nowMs: number;
  readonly #unit: Unit;
  readonly #snapshot: Snapshot;
  readonly #engine: AbortSignal;
  readonly #options: ContextOptions;
  #chances: Map<Message, Chance> | undefined;
  #effects: Promise<ReadonlyMap<string, ReadonlyMap<string, StoredEffect>>> | undefined;

  /** `engine` aborts when the input ends. */
  constructor(unit: Unit, snapshot: Snapshot, engine: AbortSignal, options: ContextOptions) {
    this.nowMs = options.environment.clock.now();
    this.#unit = unit;
    this.#snapshot = snapshot;
    this.#engine = engine;
    this.#options = options;
  }

  get source(): string {
    return this.#options.service;
  }

  get exclusive(): boolean {
    return !this.#options.store.capabilities.shared;
  }

  attemptOf({ envelope: { id } }: Message): number {
    const arrival = this.#unit.arrivals.find(({ message }) => message?.envelope.id === id);
    return arrival?.lease?.attempt ?? (arrival?.attempts ?? 0) + 1;
  }

  /** Made only for work that asks for it: most does not, and signals are not cheap. */
  get signal(): AbortSignal {
    const { arrivals } = this.#unit;
    if (arrivals[0]?.lease === undefined) return this.#engine;
    const cancel = arrivals[0].cancel ?? new AbortController();
    for (const arrival of arrivals) arrival.cancel = cancel;
    return AbortSignal.any([this.#engine, cancel.signal]);
  }

  get effects(): EffectMode {
    return this.#options.effects ?? "live";
  }

  loaded(ref: DocumentRef): StoredDocument | undefined {
    return this.#snapshot.get(refKey(ref));
  }

  read(ref: DocumentRef): Promise<StoredDocument | undefined> {
    return this.#options.documents.read(ref);
  }

  readEntity(entity: string, after = 0): Promise<readonly StoredEvent[]> {
    return this.#options.reads.entity(entity, after);
  }

  async readEffects(message: string): Promise<ReadonlyMap<string, StoredEffect>> {
    this.#effects ??= this.#readEffects();
    return (await this.#effects).get(message) ?? new Map();
  }

  chanceOf(cause: Message): Chance {
    this.#chances ??= new Map();
    let chance = this.#chances.get(cause);
    if (chance === undefined) {
      const { service, part } = this.#options;
      const { source, id, time } = cause.envelope;
      // A part in another version decides anew; its ids must not collide with those decided before.
      const who = part.journal ?? part.consumer;
      chance = createChance([service, who, source, id], time);
      this.#chances.set(cause, chance);
    }
    return chance;
  }

  stamp(draft: Draft, cause: Message, { to, ...how }: StampOptions = {}): OutgoingMessage {
    return this.#options.stamper.stamp(draft, this.#stampOf(cause, how), to);
  }

  stampKept(draft: Draft, cause: Message, how: KeptStampOptions = {}): RawMessage {
    return this.#options.stamper.stampKept(draft, this.#stampOf(cause, how));
  }

  #stampOf(cause: Message, how: Omit<StampOptions, "to">): Stamp {
    const { attributes, id = this.chanceOf(cause).newId() } = how;
    const via = viaOf(cause.envelope);
    return {
      ...causedBy(cause),
      time: this.nowMs,
      ...how,
      id,
      ...(via !== undefined && { attributes: { ...attributes, [VIA]: via } }),
    };
  }

  /** All messages of the unit together, as soon as one asks. */
  async #readEffects(): Promise<ReadonlyMap<string, ReadonlyMap<string, StoredEffect>>> {
    const ids = this.#unit.arrivals.flatMap(({ message }) => message?.envelope.id ?? []);
    const found = await Promise.all(
      ids.map(async (id) => {
        const effects = await this.#options.reads.effects(id);
        return [id, new Map(effects.map((effect) => [effect.name, effect]))] as const;
      }),
    );
    return new Map(found);
  }
}
