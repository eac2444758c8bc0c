/**
 * Files of a log that somebody deleted while no process had it open.
 *
 * A log without them would look like a shorter one: offsets that were given out would be given out
 * again, and nobody would be told. What must be there is known from three places: whoever opens the log
 * says whether an earlier life made it; the last sidecar tells where the log begins; the sidecar of an
 * ended segment tells that the next one was made.
 *
 * In the place of what is missing comes a stand-in: an empty segment with a note of damage for all
 * offsets that it had. So it is told, refused, verified, backed up and accepted as other damage is. It
 * is durable before the log opens, and a crash on the way leaves something that is found missing again.
 */

import { join } from "node:path";
import type { Disk } from "./disk.ts";
import { writeWhole } from "./disks/write-whole.ts";
import {
  encodeBoundary,
  readSidecar,
  SIDECAR_BYTES,
  slotOf,
  type GroupBoundary,
} from "./format/group-boundary.ts";
import type { LogEnvironment } from "./log-environment.ts";
import { noteDamage } from "./segment/note-damage.ts";
import { emptyFacts } from "./segment/segment-facts.ts";
import { Segment } from "./segment/segment.ts";

/**
 * How many offsets a log may have given out whose end nobody knows any more: so many records take more
 * than 7 TB, and one that gives out a million a second needs twelve days.
 */
export const UNKNOWN_SPAN: number = 2 ** 40;

const LOG_NAME = /^\d{20}\.log$/;

/**
 * Puts stand-ins where files of the log in `directory` are missing. `madeUpTo` as in
 * `PartitionLogOptions`.
 */
export async function standInForLost(
  environment: LogEnvironment,
  directory: string,
  madeUpTo: number | undefined,
): Promise<void> {
  const { disk } = environment;
  await findLostFile(disk, directory);
  const names = (await disk.list(directory)).filter((name) => LOG_NAME.test(name)).toSorted();
  const [oldest] = names;
  const newest = names.at(-1);
  if (oldest === undefined || newest === undefined) {
    if (madeUpTo === undefined) return;
    const lost = { from: 0, to: madeUpTo + UNKNOWN_SPAN, timeMs: 0 };
    await standIn(environment, directory, { ...lost, state: "open", logStart: 0 });
    return;
  }
  const logStart = Number(oldest.slice(0, 20));
  const last = await boundaryOf(disk, directory, newest);
  if (last?.state === "sealed" && last.followed === true) {
    const to = Math.max(last.nextOffset, madeUpTo ?? 0) + UNKNOWN_SPAN;
    const lost = { from: last.nextOffset, to, timeMs: last.newestMs };
    await standIn(environment, directory, { ...lost, state: "open", logStart });
  } else if (last?.logStart !== undefined && last.logStart < logStart) {
    // It goes by its age when the segment behind it does.
    const timeMs = (await boundaryOf(disk, directory, oldest))?.oldestMs ?? 0;
    const lost = { from: last.logStart, to: logStart, timeMs };
    await standIn(environment, directory, { ...lost, state: "sealed", logStart: last.logStart });
  }
}

/**
 * Puts an empty file where the newest segment's own is gone and its sidecar says what stood in it: so its
 * records are found damaged, and the log does not begin again at offsets that were given out. Sidecars of
 * older segments without a file are what a removal has left, those that say nothing a creation.
 */
async function findLostFile(disk: Disk, directory: string): Promise<void> {
  const names = (await disk.list(directory)).toSorted();
  const newest = names.findLast((name) => LOG_NAME.test(name)) ?? "";
  for (const name of names) {
    const stem = /^(\d{20})\.groups$/.exec(name)?.[1];
    if (stem === undefined || `${stem}.log` <= newest) continue;
    const sidecar = await disk.readFile(join(directory, name));
    const boundary = sidecar === undefined ? undefined : readSidecar(sidecar);
    if (boundary === undefined || (boundary.bytes === 0 && boundary.state !== "clean")) continue;
    const file = await disk.open(join(directory, `${stem}.log`), { create: true });
    await file.close();
    await disk.syncDirectory(directory);
  }
}

async function boundaryOf(
  disk: Disk,
  directory: string,
  name: string,
): Promise<GroupBoundary | undefined> {
  const sidecar = await disk.readFile(join(directory, name.replace(/log$/, "groups")));
  return sidecar === undefined ? undefined : readSidecar(sidecar);
}

interface Lost {
  readonly from: number;
  readonly to: number;
  readonly timeMs: number;
  /** `open` behind all others. */
  readonly state: "open" | "sealed";
  readonly logStart: number;
}

async function standIn(
  { disk, log }: LogEnvironment,
  directory: string,
  { from, to, timeMs, state, logStart }: Lost,
): Promise<void> {
  const facts = { ...emptyFacts(from, false), nextOffset: to, oldestMs: timeMs, newestMs: timeMs };
  const segment = new Segment(disk, directory, facts);
  const boundary = { ...facts, sequence: 1, state, followed: state === "sealed", logStart };
  const sidecar = Buffer.alloc(SIDECAR_BYTES);
  encodeBoundary(boundary).copy(sidecar, slotOf(boundary));
  await writeWhole(disk, segment.sidecarPath, sidecar);
  await writeWhole(disk, segment.path, Buffer.alloc(0));
  await disk.syncDirectory(directory);
  await noteDamage(log, segment, { position: 0, offset: from });
  await segment.release();
}
