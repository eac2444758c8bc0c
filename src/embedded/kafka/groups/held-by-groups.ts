/** What all groups together keep in memory for clients that may have gone, and which have no members. */

import type { GroupMachine } from "./group-machine.ts";

export class HeldByGroups {
  #bytes = 0;
  readonly #byGroup = new Map<string, number>();
  /** The first has been without members for longest. */
  readonly #memberless = new Set<string>();

  get bytes(): number {
    return this.#bytes;
  }

  get memberless(): number {
    return this.#memberless.size;
  }

  /** Takes note of what a group holds now. */
  note(name: string, { heldBytes, members }: Pick<GroupMachine, "heldBytes" | "members">): void {
    this.#bytes += heldBytes - (this.#byGroup.get(name) ?? 0);
    this.#byGroup.set(name, heldBytes);
    if (members.size === 0) this.#memberless.add(name);
    else this.#memberless.delete(name);
  }

  oldestMemberless(): string | undefined {
    return this.#memberless.keys().next().value;
  }

  /** It counts no longer among those without members, until its next step. */
  keep(name: string): void {
    this.#memberless.delete(name);
  }

  forget(name: string): void {
    this.#bytes -= this.#byGroup.get(name) ?? 0;
    this.#byGroup.delete(name);
    this.#memberless.delete(name);
  }
}
