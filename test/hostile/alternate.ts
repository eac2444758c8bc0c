/**
 * What healthy clients wait while an attack goes on against another server, and against theirs, in turn.
 *
 * A p99 on a machine that others use too says as much about them: it changes tenfold from one second to
 * the next. So nobody is compared with a calm minute before. Two servers stand side by side, each with its
 * healthy clients; the attack goes on against one of them all the time, and takes its share of the cores
 * all the time. In turn the clients of either are measured, in short slices; neighbours make a pair, and
 * the next pair begins with the other of them. A pair is slow when the p99 of the attacked is twice that of
 * the calm or more, and beyond `FLOOR_MS`. The machine's other work falls on one slice of a pair as often
 * as on the other, so pairs in which the calm were slow in this way are taken off; a server that is slow is
 * slow in nearly each pair, and the calm never are. What is left must be less than half of all pairs.
 */

import type { HealthyClients } from "./healthy.ts";

const PAIRS = 9;
/** The law: less than doubled. */
const RATIO_MAX = 2;
/**
 * A p99 below it is nobody's trouble. The suite keeps its servers' files in memory, so that the disk is not
 * measured with the door; that makes a calm p99 of about a millisecond, where a client whose writes are
 * synced to a disk waits several, and cannot tell one request of a stranger before its own from the disk.
 */
const FLOOR_MS = 10;

export interface Pair {
  readonly calm: readonly number[];
  readonly attacked: readonly number[];
}

export async function alternate(
  { calm, attacked }: Readonly<Record<keyof Pair, HealthyClients>>,
  durationMs: number,
): Promise<readonly Pair[]> {
  const sliceMs = durationMs / PAIRS;
  const pairs: Pair[] = [];
  for (let count = 0; count < PAIRS; count++) {
    if (count % 2 === 0) {
      const first = await calm.work(sliceMs);
      pairs.push({ calm: first, attacked: await attacked.work(sliceMs) });
    } else {
      const first = await attacked.work(sliceMs);
      pairs.push({ attacked: first, calm: await calm.work(sliceMs) });
    }
  }
  return pairs;
}

export interface Waited {
  /** In which the attacked were slow, and in which the calm were. */
  readonly slowPairs: Readonly<Record<keyof Pair, number>>;
  readonly isSlow: boolean;
  /** The median of the pairs' ratios. */
  readonly ratio: number;
  /** By anybody whose server was attacked. */
  readonly longestMs: number;
}

export function judge(pairs: readonly Pair[]): Waited {
  const p99s = pairs.map(({ calm, attacked }) => ({ calm: p99(calm), attacked: p99(attacked) }));
  const isSlow = (one: number, other: number): boolean =>
    one >= RATIO_MAX * other && one > FLOOR_MS;
  const attacked = p99s.filter((pair) => isSlow(pair.attacked, pair.calm)).length;
  const calm = p99s.filter((pair) => isSlow(pair.calm, pair.attacked)).length;
  return {
    slowPairs: { attacked, calm },
    isSlow: pairs.length > 0 && attacked - calm >= pairs.length / 2,
    ratio: percentile(
      p99s.map((pair) => pair.attacked / pair.calm),
      0.5,
    ),
    longestMs: Math.max(...pairs.flatMap(({ attacked }) => attacked)),
  };
}

const p99 = (waitedMs: readonly number[]): number => percentile(waitedMs, 0.99);

/** What so great a share of the values is not above. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) * share)] ?? 0;
}
