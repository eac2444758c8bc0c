/**
 * What the names mean by which callers call parts, views and sagas: a rule speaks of the view `menu`, and
 * `shop.menu` must not be a way around it.
 */

import type { Description } from "../admin.ts";

export class KnownNames {
  readonly #describe: () => Promise<Description>;
  #views: ReadonlyMap<string, string> = new Map();
  #services: ReadonlyMap<string, string> = new Map();
  #names: readonly string[] = [];

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

  /**
   * The services whose reader the group may be: the part's own, and otherwise each whose groups begin
   * so, because a part keeps its progress under other names than its own too (`shop.totals.v2`).
   */
  async ownersOf(group: string): Promise<readonly string[]> {
    const service = await this.serviceOf(group);
    if (service !== undefined) return [service];
    return this.#names.filter((name) => group.startsWith(`${name}.`));
  }

  async #learn(): Promise<void> {
    const views = new Map<string, string>();
    const services = new Map<string, string>();
    const ofSagas = new Map<string, string | undefined>();
    const described = (await this.#describe()).services;
    for (const { name: service, parts, status } of described) {
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
    this.#names = described.map(({ name }) => name);
    this.#views = views;
    this.#services = services;
  }
}
