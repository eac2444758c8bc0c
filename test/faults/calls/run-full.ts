/**
 * A disk with room for so many bytes, for every such number, and one whose free space falls below the
 * floor at every step.
 *
 * Whatever the number: what has no room is refused with a remedy, nothing of it stays, and when there
 * is room again everything is done, without a restart where the server had opened. Below the floor
 * nothing is taken, but what was taken can be acknowledged and deleted.
 */

import { createMemoryDisk } from "../../../src/embedded/log/disks/memory-disk.ts";
import { isMillraceError } from "../../../src/model/errors.ts";
import { LawBroken, Ledger } from "./ledger.ts";
import { openLife, within, type Life } from "./life.ts";
import { checkPlaces, openWhole, phasesOf, shown } from "./run-calls.ts";
import { Workload } from "./workload.ts";

/** Between two looks at the free space lies a second. */
const LOOK_MS = 1_100;
const FLOOR_BYTES = 64 * 1024;
/** A full run tries the room in steps of a few batches' heads. */
const ROOM_STEP_BYTES = 61;

export interface FullOptions {
  readonly every: number;
  readonly from: number;
}

export interface FullCounts {
  /** Rooms that were tried, and how many of them kept the server from opening. */
  readonly rooms: number;
  readonly refusedOpenings: number;
  /** Rooms in which something was refused. */
  readonly refusing: number;
  readonly floors: number;
  readonly letGo: number;
  readonly broken: readonly string[];
}

export async function runFull({ every, from }: FullOptions): Promise<FullCounts> {
  const counts = { rooms: 0, refusedOpenings: 0, refusing: 0, floors: 0, letGo: 0 };
  const broken: string[] = [];
  const tried = async (name: string, run: () => Promise<void>): Promise<void> => {
    try {
      await run();
    } catch (error) {
      broken.push(`${name}: ${shown(error)}`);
    }
  };
  const whole = await runRoom(Infinity);
  const step = ROOM_STEP_BYTES * every;
  for (let room = (from * ROOM_STEP_BYTES) % step; room < whole.usedBytes; room += step) {
    counts.rooms++;
    await tried(`room for ${room} bytes`, async () => {
      const { opened, refused } = await runRoom(room);
      if (!opened) counts.refusedOpenings++;
      if (refused) counts.refusing++;
    });
  }
  for (let at = 0; at < whole.steps; at++) {
    if (every > 1 && (at + from) % 3 !== 0) continue;
    counts.floors++;
    await tried(`below the floor after step ${at + 1}`, async () => {
      counts.letGo += await runFloor(at + 1);
    });
  }
  if (counts.refusing === 0 || counts.letGo === 0) broken.push("no disk was ever full");
  return { ...counts, broken };
}

interface Room {
  readonly usedBytes: number;
  readonly steps: number;
  readonly opened: boolean;
  readonly refused: boolean;
}

/** Three lives in the room; in each, what was refused is done once there is room, and it is full again. */
async function runRoom(room: number): Promise<Room> {
  const memory = createMemoryDisk();
  const ledger = new Ledger();
  const workload = new Workload(ledger);
  let opened = true;
  let nowMs: number | undefined;
  const phases = phasesOf(workload);
  for (const [index, steps] of phases.entries()) {
    memory.capacityBytes = room;
    const options = {
      disk: memory,
      seed: index + 1,
      ...(nowMs !== undefined && { startMs: nowMs }),
    };
    const life = await openLife(options).catch((error: unknown) => {
      if (!isMillraceError(error, "DISK_FULL")) throw error;
      opened = false;
      memory.capacityBytes = Infinity;
      return openLife(options);
    });
    workload.enter(life);
    await workload.work(steps);
    memory.capacityBytes = Infinity;
    await life.elapse(LOOK_MS);
    await workload.work([]);
    if (workload.undone.length > 0) {
      throw new LawBroken("not finished when there was room", workload.undone.join());
    }
    memory.capacityBytes = Math.max(room, memory.usedBytes());
    nowMs = life.environment.clock.now();
    if (index % 2 === 0) await life.kill();
    else await life.stop().catch(checkFull);
  }
  memory.capacityBytes = Infinity;
  const life = await openWhole(memory, nowMs!);
  workload.enter(life);
  await workload.check();
  await checkPlaces(memory, life);
  await within(life.stop(), "the last stop");
  const refused = ledger.answers.size > 0;
  return { usedBytes: memory.usedBytes(), steps: phases.flat().length, opened, refused };
}

function checkFull(error: unknown): void {
  if (!isMillraceError(error, "DISK_FULL")) throw error;
}

/** Returns how many things were let go while nothing was taken. */
async function runFloor(count: number): Promise<number> {
  const memory = createMemoryDisk();
  const ledger = new Ledger();
  const workload = new Workload(ledger);
  let freeBytes = Infinity;
  const disk = { ...memory, freeBytes: async () => freeBytes };
  const life = await openLife({ disk, freeBytesMin: FLOOR_BYTES });
  workload.enter(life);
  const steps = phasesOf(workload).flat().slice(0, count);
  await workload.work(steps);
  freeBytes = FLOOR_BYTES - 1;
  await life.elapse(LOOK_MS);
  const done = new Set(steps);
  const takes = (round: number): Parameters<Workload["work"]>[0] => [
    ...(done.has(workload.makeTopics) ? [workload.produce("orders")] : []),
    ...(done.has(workload.makeQueue) ? [workload.send(`below ${round}`)] : []),
  ];
  // The server looks at the free space when it writes: what makes it look is taken still.
  await workload.work(takes(0));
  const before = ledger.taken;
  await workload.work(takes(1));
  if (ledger.taken > before)
    throw new LawBroken("taken below the floor", `${ledger.taken - before}`);
  const letGo = await letGoBelow(workload, ledger, done.has(workload.makeTopics));
  freeBytes = Infinity;
  await life.elapse(LOOK_MS);
  await workload.work(phasesOf(workload).flat().slice(0, 2));
  if (workload.undone.length > 0) {
    throw new LawBroken("not finished when there was room", workload.undone.join());
  }
  await end(life);
  const whole = await openWhole(memory, life.environment.clock.now());
  workload.enter(whole);
  await workload.check();
  await end(whole);
  return letGo;
}

async function letGoBelow(workload: Workload, ledger: Ledger, made: boolean): Promise<number> {
  const waiting = ledger.waitingJobs;
  const steps = [
    ...(waiting > 0 ? [workload.acceptOne] : []),
    ...(made ? [workload.commit(ledger.positionAnswered + 1)] : []),
  ];
  const refused = workload.undone.length;
  await workload.work(steps);
  if (workload.undone.length > refused) {
    throw new LawBroken("not let go below the floor", workload.undone.join());
  }
  return steps.length;
}

async function end(life: Life): Promise<void> {
  await within(life.stop(), "a stop");
}
