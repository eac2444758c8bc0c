/** How far the groups of a topic are: what was asked, what was promised, and what their readers saw. */

import type { Violation } from "../driver.ts";

interface Position {
  /** The server said so. */
  acknowledged: number;
  /** Somebody asked for it. */
  attempted: number;
  /** Below it the readers of the group were given everything. */
  polled: number;
}

export interface GroupPlace {
  readonly group: string;
  readonly partition: number;
}

type At = GroupPlace & { readonly offset: number };

export class GroupPositions {
  readonly #positions = new Map<string, Position>();

  committing({ offset, ...place }: At): void {
    const position = this.#of(place);
    position.attempted = Math.max(position.attempted, offset);
  }

  acknowledged({ offset, ...place }: At): void {
    const position = this.#of(place);
    position.acknowledged = Math.max(position.acknowledged, offset);
  }

  /** A reader of the group went on to there from a position of the group. */
  polled({ offset, ...place }: At): void {
    const position = this.#of(place);
    position.polled = Math.max(position.polled, offset);
  }

  /** What is wrong with a reader that begins there, if anything is. */
  seek({ offset, ...place }: At): Violation | undefined {
    const { acknowledged, attempted, polled } = this.#of(place);
    const at = `${place.group}[${place.partition}] is at ${offset}`;
    if (offset < acknowledged) return { kind: "regressed", text: `${at}, behind ${acknowledged}` };
    if (offset > attempted) return { kind: "unseen", text: `${at}, beyond ${attempted}` };
    if (offset > polled) {
      return {
        kind: "unseen",
        text: `${at}, and no reader of it was given what follows ${polled}`,
      };
    }
    return undefined;
  }

  #of({ group, partition }: GroupPlace): Position {
    const name = `${group} ${partition}`;
    let position = this.#positions.get(name);
    if (position === undefined) {
      position = { acknowledged: 0, attempted: 0, polled: 0 };
      this.#positions.set(name, position);
    }
    return position;
  }
}
