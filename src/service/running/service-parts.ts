/**
 * The parts of a running service. Most are one part at work for one declaration; a view is as many as
 * there are generations of it that the code folds, and goes by the one that answers.
 */

import type { Environment } from "../../model/environment.ts";
import { MillraceError } from "../../model/errors.ts";
import type { Store } from "../../store/store.ts";
import type { Part, Service } from "../part.ts";
import { pauseText, type PartPause } from "../pause/pauses.ts";
import type { RunningPart } from "./running-part.ts";
import type { ChangeSignal } from "./settling.ts";
import { viewCollection } from "../views/view-record.ts";
import { ViewKeeper } from "../views/view-keeper.ts";

export interface ServicePartsOptions {
  readonly service: Service;
  readonly store: Store;
  readonly environment: Environment;
  readonly changes: ChangeSignal;
  readonly createPart: (part: Part) => RunningPart;
}

export class ServiceParts {
  readonly #service: Service;
  /** In the order of the declaration. */
  readonly #parts = new Map<string, RunningPart | ViewKeeper>();

  constructor({ service, createPart, ...options }: ServicePartsOptions) {
    this.#service = service;
    for (const part of service.parts) {
      const views = part.versioning !== undefined;
      this.#parts.set(
        part.name,
        views ? new ViewKeeper({ ...options, view: part, createPart }) : createPart(part),
      );
    }
  }

  /** Everything at work. */
  get all(): readonly RunningPart[] {
    return [...this.#parts.values()].flatMap((each) =>
      each instanceof ViewKeeper ? each.folded.map(({ part }) => part) : [each],
    );
  }

  /** One for each declaration: of a view the generation that answers, or else the one being built. */
  get shown(): readonly RunningPart[] {
    return [...this.#parts.values()].flatMap((each) =>
      each instanceof ViewKeeper ? each.folded.slice(0, 1).map(({ part }) => part) : [each],
    );
  }

  /** The declarations as they are at work: a view as the generation that keeps what answers. */
  get described(): readonly Part[] {
    return [...this.#parts.values()].flatMap((each) => {
      if (!(each instanceof ViewKeeper)) return [each.runtime.part];
      const { view, live, folded } = each;
      const collection = viewCollection(view.name, live);
      return folded.slice(0, 1).map(({ part }) => ({
        ...part.runtime.part,
        viewCollection: collection,
      }));
    });
  }

  get views(): readonly ViewKeeper[] {
    return [...this.#parts.values()].filter((each) => each instanceof ViewKeeper);
  }

  /** Takes up what the store knows of the views. Throws STORE_FAILED. */
  async open(): Promise<void> {
    for (const view of this.views) await view.open();
  }

  async start(
    failed: (error: unknown) => void,
    pauses: ReadonlyMap<string, PartPause>,
  ): Promise<void> {
    for (const [name, part] of this.#parts) {
      const pause = pauses.get(name);
      await part.start(failed, pause && pauseText(pause));
    }
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#parts.values()].map((part) => part.stop()));
  }

  /** Throws BAD_ARGUMENT for a name that no part has. */
  named(name: string): RunningPart | ViewKeeper {
    const found = this.#parts.get(name);
    if (found !== undefined) return found;
    const { name: service, parts } = this.#service;
    throw new MillraceError(
      "BAD_ARGUMENT",
      `service "${service}" has no part "${name}"; it has ${parts.map((each) => each.name).join(", ")}`,
      { details: { service, part: name } },
    );
  }

  /** The parts at work under this name, the one that goes by it first. Throws BAD_ARGUMENT. */
  allNamed(name: string): readonly RunningPart[] {
    const found = this.named(name);
    return found instanceof ViewKeeper ? found.folded.map(({ part }) => part) : [found];
  }

  /** Throws UNKNOWN_VIEW. */
  view(name: string): ViewKeeper {
    const found = this.#parts.get(name);
    if (found instanceof ViewKeeper) return found;
    const views = this.views.map(({ view }) => view.name);
    throw new MillraceError(
      "UNKNOWN_VIEW",
      `service "${this.#service.name}" has no view "${name}"; it has ${views.length === 0 ? "none" : views.join(", ")}`,
      { details: { service: this.#service.name, view: name } },
    );
  }
}
