/**
 * What the names mean by which callers call parts, views and sagas: a rule speaks of the view `menu`, and
 * `shop.menu` must not be a way around it.
 */

import type { Description } from "../admin.ts";

export class KnownNames {
  readonly #describe: () => Promise<Description>;
  #views: ReadonlyMap<string, string> = new Map();
  #services: ReadonlyMap<string, string> = new Map();

  constructor(describe: () => Promise<Description>) {
    this.#describe = describe;
  }

  /** The view's own name; an unknown one is itself. */
  async view(name: string): Promise<string> {
    if (!this.#views.has(name)) await this.#learn();
    return this.#views.get(name) ?? name;
  }

  /**
   * The service of a part, by `service.part`, or of a saga by its name alone; undefined where there is
   * none, or more than one.
   */
  async serviceOf(part: string): Promise<string | undefined> {
    if (!this.#services.has(part)) await this.#learn();
    return this.#services.get(part);
  }

  async #learn(): Promise<void> {
    const views = new Map<string, string>();
    const services = new Map<string, string>();
    const ofSagas = new Map<string, string | undefined>();
    for (const { name: service, parts, status } of (await this.#describe()).services) {
      for (const { name, kind } of parts) {
        services.set(`${service}.${name}`, service);
        if (kind === "saga") ofSagas.set(name, ofSagas.has(name) ? undefined : service);
        if (kind !== "view") continue;
        views.set(name, name);
        views.set(`${service}.${name}`, name);
      }
      for (const { name } of status) services.set(`${service}.${name}`, service);
    }
    for (const [saga, service] of ofSagas) if (service !== undefined) services.set(saga, service);
    this.#views = views;
    this.#services = services;
  }
}
