/**
 * Sign-ins that are being checked: so many at a time from one address, and so many at all.
 *
 * A check may derive keys, on the same threads that write and sync the log, or ask another server. A
 * thousand of them that begin at once would keep everybody waiting. So attempts wait here, those of one
 * address in their order; whoever comes from elsewhere has at most a few of each address before him.
 */

const ADDRESS_MAX = 4;
const ALL_MAX = 16;

interface Places {
  free: number;
  readonly waiting: (() => void)[];
}

export class AttemptLine {
  readonly #all: Places = { free: ALL_MAX, waiting: [] };
  readonly #byAddress = new Map<string, Places>();

  async run<Result>(address: string, check: () => Promise<Result>): Promise<Result> {
    let own = this.#byAddress.get(address);
    if (own === undefined) {
      own = { free: ADDRESS_MAX, waiting: [] };
      this.#byAddress.set(address, own);
    }
    await take(own);
    try {
      await take(this.#all);
      try {
        return await check();
      } finally {
        give(this.#all);
      }
    } finally {
      give(own);
      if (own.free === ADDRESS_MAX) this.#byAddress.delete(address);
    }
  }
}

async function take(places: Places): Promise<void> {
  if (places.free > 0) places.free--;
  else await new Promise<void>((resolve) => places.waiting.push(resolve));
}

/** Whoever has waited longest takes the place. */
function give(places: Places): void {
  const next = places.waiting.shift();
  if (next === undefined) places.free++;
  else next();
}
