/**
 * The generations of one view at work.
 *
 * The running code folds the generations of its own version that are live or building; each is a part
 * of its own, with its own documents, progress and group. A build that has caught up takes over by
 * itself, or when a person says so. It does not take over by itself while it has more messages parked
 * than the one that answers: folds that park everything would answer with nothing.
 *
 * Every step is one write of the record, and what follows from it can be done again: after a kill
 * between any two commits the next start reads the record and goes on.
 */

import { assert } from "../../model/assert.ts";
import type { Environment } from "../../model/environment.ts";
import { MillraceError } from "../../model/errors.ts";
import type { Store } from "../../store/store.ts";
import { textOf } from "../failure.ts";
import type { Part, ViewVersioning } from "../part.ts";
import type { RunningPart } from "../running/running-part.ts";
import type { ChangeSignal } from "../running/settling.ts";
import { persistently } from "../source/persistently.ts";
import { FoldedGeneration } from "./folded-generation.ts";
import { lagBehind } from "./part-ends.ts";
import * as change from "./view-record.ts";
import type { Generation, GenerationRef, ViewRecord } from "./view-record.ts";
import { readRecord, versionsFound, writeRecord, type StoredRecord } from "./view-records.ts";

export interface ViewKeeperOptions {
  readonly view: Part;
  readonly store: Store;
  readonly environment: Environment;
  readonly changes: ChangeSignal;
  readonly createPart: (part: Part) => RunningPart;
}

const BY_HAND = "it takes over by hand: swap it";
const BUILD_PAUSED = "its building is paused";

export class ViewKeeper {
  readonly view: Part;
  readonly versioning: ViewVersioning;
  readonly #options: ViewKeeperOptions;
  #stored: StoredRecord = { record: change.NO_VIEW, version: 0 };
  #folded: readonly FoldedGeneration[] = [];
  #failed: (error: unknown) => void = () => undefined;
  #held: string | undefined;
  /** Changes of the record and what follows from them, one after the other. */
  #turn: Promise<unknown> = Promise.resolve();
  readonly #builds = new Set<Promise<void>>();
  #stopped = false;

  constructor(options: ViewKeeperOptions) {
    const { versioning } = options.view;
    assert(versioning !== undefined, "a view says how its versions are built");
    this.view = options.view;
    this.versioning = versioning;
    this.#options = options;
  }

  /** Takes up the record, finishes what was being dropped, and makes the collections. */
  async open(): Promise<void> {
    const { store } = this.#options;
    const { name } = this.view;
    const { version } = this.versioning;
    this.#stored = await readRecord(store, name);
    if (this.#stored.version === 0) {
      // A view that never had but one version needs no record: what it is can be told without.
      const found = await versionsFound(store, name);
      this.#stored = { record: change.firstRecord(version, found), version: 0 };
    }
    await this.#change((record) => change.beginVersion(record, version));
    for (const each of this.record.generations) {
      if (each.state === "dropping") await this.#remove(each);
      else if (this.#isFolded(each)) await this.#fold(each);
    }
  }

  /** `failed` is told when one of them cannot go on at all; with `held` a person has paused the view. */
  async start(failed: (error: unknown) => void, held?: string): Promise<void> {
    this.#failed = failed;
    this.#held = held;
    for (const folded of this.#folded) await this.#begin(folded);
  }

  get record(): ViewRecord {
    return this.#stored.record;
  }

  get live(): Generation {
    return change.liveOf(this.record);
  }

  /** What this code folds, the one that answers first. */
  get folded(): readonly FoldedGeneration[] {
    const first = (each: FoldedGeneration): number => (this.#isLive(each.generation) ? 0 : 1);
    return this.#folded.toSorted((a, b) => first(a) - first(b));
  }

  /** The part that keeps what answers reads; undefined where that is of another version. */
  get livePart(): RunningPart | undefined {
    return this.#folded.find(({ generation }) => this.#isLive(generation))?.part;
  }

  /** Whether no build is on its way that would take over by itself. */
  get atRest(): boolean {
    return this.#folded.every(
      ({ generation, part, heldBy }) =>
        this.#isLive(generation) || part.held !== undefined || heldBy !== undefined,
    );
  }

  /** Holds all generations that this code folds. */
  async hold(why: string): Promise<void> {
    this.#held = why;
    await Promise.all(this.#folded.map(({ part }) => part.hold(why)));
  }

  async release(): Promise<void> {
    this.#held = undefined;
    for (const { generation, part } of this.#folded) {
      if (!this.#found(generation).paused) await part.release();
    }
  }

  /** Builds a further generation of the code's version. Throws CONFLICT while one is built. */
  rebuild(): Promise<Generation> {
    return this.#inTurn(async () => {
      const { version } = this.versioning;
      await this.#change((record) => change.rebuild(record, version));
      const next = this.record.generations.at(-1)!;
      await this.#begin(await this.#fold(next));
      return next;
    });
  }

  /**
   * Lets another generation answer: what is being built unless one is named. An old one of the code's
   * version is folded on first, and takes over when it has caught up.
   *
   * Throws BAD_ARGUMENT where it is not there or is of another version, CONFLICT where a build has
   * not caught up.
   */
  swap(name?: number | string): Promise<Generation> {
    return this.#inTurn(async () => {
      const generation = this.#toSwap(name);
      if (generation.state === "live") return generation;
      const folded = this.#folded.find((each) => change.isSame(each.generation, generation));
      if (folded === undefined) {
        await this.#change((record) => change.buildOn(record, generation));
        await this.#begin(await this.#fold(generation), "by itself");
      } else if (folded.caughtUp) await this.#takeOver(folded);
      else throw await this.#notCaughtUp(folded);
      return this.#found(generation);
    });
  }

  /** Removes a generation: documents and progress. Throws NOT_ALLOWED for the one that answers. */
  drop(name: number | string): Promise<Generation> {
    return this.#inTurn(async () => {
      const generation = change.namedGeneration(this.record, name);
      await this.#change((record) => change.drop(record, generation));
      await this.#end(generation);
      await this.#remove(generation);
      return { ...generation, state: "dropping" };
    });
  }

  /** Pauses or resumes what is being built. Throws CONFLICT where nothing is. */
  pauseBuilding(paused: boolean): Promise<Generation> {
    return this.#inTurn(async () => {
      const building = this.#building();
      await this.#change((record) => change.pauseBuilding(record, building, paused));
      const folded = this.#folded.find(({ generation }) => change.isSame(generation, building));
      if (paused) await folded?.part.hold(BUILD_PAUSED);
      else if (this.#held === undefined) await folded?.part.release();
      return this.#found(building);
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const folded of this.#folded) folded.endBuilding();
    await this.#turn;
    await Promise.all([...this.#folded.map((folded) => folded.stop()), ...this.#builds]);
  }

  #isFolded({ version, state }: Generation): boolean {
    return version === this.versioning.version && (state === "live" || state === "building");
  }

  #isLive(generation: GenerationRef): boolean {
    return change.isSame(generation, this.live);
  }

  async #fold({ version, number }: GenerationRef): Promise<FoldedGeneration> {
    const { store, environment, changes, createPart } = this.#options;
    const part = number === 0 ? this.view : this.versioning.generation(number);
    await store.ensureCollections(part.collections);
    const generation = { version, number };
    const folded = new FoldedGeneration({
      generation,
      part: createPart(part),
      environment,
      changes,
    });
    this.#folded = [...this.#folded, folded];
    return folded;
  }

  async #begin(
    folded: FoldedGeneration,
    takesOver: "as declared" | "by itself" = "as declared",
  ): Promise<void> {
    const { state, paused } = this.#found(folded.generation);
    await folded.part.start(this.#failed, this.#held ?? (paused ? BUILD_PAUSED : undefined));
    if (state !== "building") return;
    const byHand = this.versioning.swap === "manual" && takesOver === "as declared";
    const build = this.#build(folded, byHand)
      .catch((error: unknown) => {
        if (folded.signal.aborted) return;
        folded.fail(textOf(error));
        const facts = { view: this.view.name, error: textOf(error) };
        this.#options.environment.log.error(facts, "a view's new generation cannot take over");
      })
      .finally(() => this.#builds.delete(build));
    this.#builds.add(build);
  }

  /** Follows a build until it has taken over, or ends. */
  async #build(folded: FoldedGeneration, byHand: boolean): Promise<void> {
    const { environment } = this.#options;
    await folded.ready(async () => (byHand ? BY_HAND : await this.#parkedMore(folded)));
    await this.#inTurn(() =>
      persistently({ part: this.view, environment }, folded.signal, async () => {
        if (!folded.signal.aborted) await this.#takeOver(folded);
      }),
    );
  }

  async #parkedMore({ parked }: FoldedGeneration): Promise<string | undefined> {
    if (parked === 0) return undefined;
    const answering = this.#folded.find(({ generation }) => this.#isLive(generation));
    const consumer = change.viewConsumer(this.view.name, this.live);
    const before =
      answering?.parked ??
      (await this.#options.store.listParked({ consumer, limit: parked })).length;
    if (parked <= before) return undefined;
    return `it has ${parked} messages parked, and the one that answers ${before}: redrive or discard them, or swap by hand`;
  }

  async #takeOver(folded: FoldedGeneration): Promise<void> {
    const before = this.live;
    const { generation } = folded;
    await this.#change((record) => change.swapTo(record, generation));
    folded.endBuilding();
    const [from, to] = [before, generation].map(change.generationName);
    const facts = { view: this.view.name, from, to };
    this.#options.environment.log.info(facts, "another generation answers");
    await this.#end(before);
  }

  /** Stops folding the generation. */
  async #end(generation: GenerationRef): Promise<void> {
    const ended = this.#folded.find((each) => change.isSame(each.generation, generation));
    if (ended === undefined) return;
    this.#folded = this.#folded.filter((each) => each !== ended);
    await ended.stop();
    this.#options.changes.changed();
  }

  async #remove(generation: Generation): Promise<void> {
    const { store } = this.#options;
    const { name } = this.view;
    await store.dropCollection(change.viewCollection(name, generation));
    await store.forgetConsumer(change.viewConsumer(name, generation));
    await this.#change((record) => change.dropped(record, generation));
  }

  #toSwap(name: number | string | undefined): Generation {
    if (name === undefined) return this.#building();
    const generation = change.namedGeneration(this.record, name);
    const { version } = this.versioning;
    if (generation.version === version) return generation;
    const named = change.generationName(generation);
    throw new MillraceError(
      "BAD_ARGUMENT",
      `${named} of ${this.view.name} is folded by other code than runs here (version ${version}); deploy that code, and it answers`,
      { details: { view: this.view.name, generation: named, version } },
    );
  }

  #building(): Generation {
    const building = this.#folded.find(({ generation }) => !this.#isLive(generation));
    if (building !== undefined) return this.#found(building.generation);
    throw new MillraceError(
      "CONFLICT",
      `no generation of ${this.view.name} is being built; begin with a rebuild`,
      { details: { view: this.view.name } },
    );
  }

  async #notCaughtUp({ generation, part }: FoldedGeneration): Promise<MillraceError> {
    const lag = await lagBehind(part);
    const named = change.generationName(generation);
    return new MillraceError(
      "CONFLICT",
      `${named} of ${this.view.name} is ${lag} messages behind; wait until it has caught up`,
      { details: { view: this.view.name, generation: named, lag } },
    );
  }

  #found(generation: GenerationRef): Generation {
    const found = this.record.generations.find((each) => change.isSame(each, generation));
    assert(found !== undefined, "a generation at work stands in the record");
    return found;
  }

  #inTurn<Result>(act: () => Promise<Result>): Promise<Result> {
    const turn = this.#turn.then(() => {
      if (this.#stopped) throw new MillraceError("CLOSED", "the service stops");
      return act();
    });
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  /** Another process may have changed the record: then the change is made to what it left. */
  async #change(next: (record: ViewRecord) => ViewRecord): Promise<void> {
    const { store, changes } = this.#options;
    const { name } = this.view;
    for (;;) {
      const record = next(this.record);
      if (record === this.record) return;
      const written = await writeRecord(store, name, this.#stored, record);
      this.#stored = written ?? (await readRecord(store, name));
      changes.changed();
      if (written !== undefined) return;
    }
  }
}
