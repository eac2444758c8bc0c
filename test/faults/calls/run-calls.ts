/** One run of the workload on a disk that fails at one call, and all such runs. */

import { createMemoryDisk, type MemoryDisk } from "../../../src/embedded/log/disks/memory-disk.ts";
import { MillraceError } from "../../../src/model/errors.ts";
import { FAULT_KINDS } from "./fault-kinds.ts";
import { faultDisk, type Call, type Fault, type FaultDisk } from "./fault-disk.ts";
import { LawBroken, Ledger } from "./ledger.ts";
import { DIRECTORY, openLife, within, type Life } from "./life.ts";
import { Workload } from "./workload.ts";

/** How a life ends. */
type End = "stop" | "kill";

export interface Outcome {
  readonly calls: readonly Call[];
  readonly hit: Call | undefined;
  readonly ledger: Ledger;
  /** The opening was refused with a remedy, and the next one was not. */
  readonly refused: boolean;
}

/** Faults after which a partition takes nothing more in this life. */
const STOPPING: ReadonlySet<string> = new Set(["write", "writeSynced", "sync", "truncate"]);

/** Throws LawBroken. */
export async function runWith(fault: Fault | undefined, ends: readonly End[]): Promise<Outcome> {
  const memory = createMemoryDisk();
  const ledger = new Ledger();
  const workload = new Workload(ledger);
  /** Of a topic whose making failed: it is made anew, elsewhere. */
  let making = false;
  const disk = faultDisk(memory, fault, () => {
    making = workload.step === workload.makeTopics.name;
  });
  const phases = phasesOf(workload);
  let nowMs: number | undefined;
  let refused = false;
  /** Of the life in which the fault came, when it was open. */
  let faultyLife: number | undefined;
  for (const [index, steps] of phases.entries()) {
    const opened = await openOrRefused({ disk, seed: index + 1, startMs: nowMs });
    refused ||= opened.refused;
    const { life } = opened;
    workload.enter(life);
    const before = disk.hit;
    workload.onProduce = (batch) => {
      const place = placeOf(batch.topic, batch.partition);
      const metBefore = disk.hit !== undefined;
      const known = before === undefined && !making && stops(disk, fault, place);
      return () => {
        // What stands in the journal is durable, whatever befalls its segment's own sync beside it.
        const journalled = disk.hit?.method === "sync" && memory.files.has(`${DIRECTORY}/journal`);
        const inFlight = !metBefore && !journalled && fails(disk, fault, place);
        if (!known && !inFlight) return;
        throw new LawBroken("acknowledged after the fault", `${batch.records[0]} to ${place}`);
      };
    };
    await workload.work(steps);
    if (before === undefined && disk.hit !== undefined) faultyLife = index;
    if (faultyLife === index) checkOthers(disk, fault!, workload);
    nowMs = life.environment.clock.now();
    if (ends[index % ends.length] === "kill") await life.kill();
    else await life.stop().catch(checkStop);
    disk.endLife();
  }
  const whole = await openWhole(memory, nowMs!);
  workload.onProduce = () => () => undefined;
  workload.enter(whole);
  await workload.work([]);
  const { undone } = workload;
  if (undone.length > 0) throw new LawBroken("not finished after the restart", undone.join());
  await workload.check();
  await checkPlaces(memory, whole);
  await within(whole.stop(), "the last stop");
  return { calls: disk.calls, hit: disk.hit, ledger, refused };
}

export function phasesOf(workload: Workload): readonly Parameters<Workload["work"]>[0][] {
  const { makeTopics, makeQueue, makeAndDeleteTopic, abandon, fetch, acceptOne, rest } = workload;
  const produce = (): ReturnType<Workload["produce"]>[] => [
    workload.produce("orders"),
    workload.produce("short"),
  ];
  const begins = [makeTopics, makeQueue, ...produce(), workload.commit(1), ...produce()];
  const jobs = [workload.send("a", "b", "c"), acceptOne, ...produce(), workload.commit(2), fetch];
  const ends = [workload.transaction("commit"), abandon, ...produce(), rest, acceptOne];
  const further = [workload.commit(4), ...produce(), fetch];
  const deletes = [makeAndDeleteTopic, ...produce(), workload.transaction("abort")];
  const last = [workload.send("d", "e"), acceptOne, ...produce(), workload.transaction("commit")];
  return [
    [...begins, ...jobs],
    [...produce(), ...ends, ...further],
    [...deletes, ...last, workload.commit(6), fetch],
  ];
}

function placeOf(topic: string, partition: number): string {
  return `streams/${topic}/${partition}`;
}

/** Which log the call was about: `streams/NAME/PARTITION`, `queues/NAME`, `state`, or the directory. */
export function logOf({ path }: Call): string {
  const [top = "", name = "", , partition = ""] = path.slice(DIRECTORY.length + 1).split("/");
  if (top === "streams") return `streams/${name}/${partition}`;
  if (top === "queues") return `queues/${name}`;
  return top === "state" ? "state" : "directory";
}

/** The partition has met its fault: whatever is sent from now on is not acknowledged. */
function stops({ hit }: FaultDisk, fault: Fault | undefined, place: string): boolean {
  if (hit === undefined || fault?.kind.code !== "EIO") return false;
  return STOPPING.has(hit.method) && logOf(hit) === place;
}

/** The fault came while the batch was under way, in what it needs. */
function fails(disk: FaultDisk, fault: Fault | undefined, place: string): boolean {
  const { hit } = disk;
  if (hit === undefined || logOf(hit) !== place || !hit.path.endsWith(".log")) return false;
  return ["write", "writeSynced", "sync"].includes(hit.method) && fault?.kind.code === "EIO";
}

/** What did not need the log that failed was done. */
function checkOthers(disk: FaultDisk, { kind }: Fault, { undone }: Workload): void {
  const log = logOf(disk.hit!);
  const hurt = (step: string): boolean => {
    // A full disk has room again at once, and what is no error is none: everything must have been done.
    if (kind.code === "ENOSPC" || kind.code === undefined) return false;
    if (log === "directory") return true;
    if (log === "state") return !/^produce [a-z]+\//.test(step);
    if (log.startsWith("queues/")) return /job|queue|send/.test(step);
    const [, topic, partition] = log.split("/");
    if (step.includes("transaction")) return topic === "orders";
    return step === `produce ${topic}/${partition}` || !/^(commit|accept|send)/.test(step);
  };
  const stopped = undone.filter((step) => !hurt(step));
  if (stopped.length === 0) return;
  throw new LawBroken("others were stopped", `${stopped.join()} by ${kind.name} in ${log}`);
}

function checkStop(error: unknown): void {
  if (error instanceof MillraceError && error.code.startsWith("DISK_F")) return;
  throw error;
}

interface Opening {
  readonly disk: FaultDisk;
  readonly seed: number;
  readonly startMs: number | undefined;
}

/** A refused opening must say what to do, and the next one must do. */
async function openOrRefused({
  disk,
  seed,
  startMs,
}: Opening): Promise<{ readonly life: Life; readonly refused: boolean }> {
  const options = { seed, ...(startMs !== undefined && { startMs }) };
  try {
    return { life: await openLife({ ...options, disk: disk.disk }), refused: false };
  } catch (error) {
    const proper = error instanceof MillraceError && error.code.startsWith("DISK_F");
    if (!proper || disk.hit === undefined) throw error;
    disk.endLife();
    return { life: await openLife({ ...options, disk: disk.disk }), refused: true };
  }
}

/** On the disk that is whole again: without repair, without a word of damage. */
export async function openWhole(memory: MemoryDisk, startMs: number): Promise<Life> {
  let life: Life;
  try {
    life = await openLife({ disk: memory, seed: 99, startMs });
  } catch (error) {
    throw new LawBroken("not restarted cleanly", String(error));
  }
  const { entries } = life.environment;
  const bad = entries.filter(({ level }) => level === "error").map(({ text }) => text);
  const notes = [...memory.files.keys()].filter((path) => path.endsWith(".damage"));
  if (bad.length + notes.length > 0) {
    throw new LawBroken("not restarted cleanly", [...bad, ...notes].join());
  }
  return life;
}

/** Every stream and queue has its directory, and nobody else has one. */
export async function checkPlaces(memory: MemoryDisk, { broker }: Life): Promise<void> {
  const below = async (kind: string): Promise<number> => {
    const names = await memory.list(`${DIRECTORY}/${kind}`);
    const inside = names.map((name) => memory.list(`${DIRECTORY}/${kind}/${name}`));
    return (await Promise.all(inside)).flat().length;
  };
  const streams = (await broker.streams!.listStreams()).length;
  const queues = (await broker.queues!.listQueues()).length;
  const found = [await below("streams"), await below("queues")];
  if (found[0] === streams && found[1] === queues) return;
  const text = `${found.join(" and ")} directories of ${streams} streams and ${queues} queues`;
  throw new LawBroken("files of nobody", text);
}

export interface CallsOptions {
  /** One of so many faults is tried, from this one on. */
  readonly every: number;
  readonly from: number;
  /** Does wrong: the server is told that what failed went well. */
  readonly silent?: boolean;
}

export interface CallsCounts {
  readonly calls: number;
  readonly faults: ReadonlyMap<string, number>;
  readonly refused: number;
  readonly answers: ReadonlyMap<string, number>;
  readonly broken: readonly string[];
}

const ENDS: readonly (readonly End[])[] = [
  ["stop", "kill"],
  ["kill", "stop"],
];

export function shown(error: unknown): string {
  if (error instanceof LawBroken) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** Every fault at every call of a run without faults. */
export async function runAllCalls({
  every,
  from,
  silent = false,
}: CallsOptions): Promise<CallsCounts> {
  const faults = new Map<string, number>();
  const answers = new Map<string, number>();
  const broken: string[] = [];
  let refused = 0;
  let number = 0;
  let callCount = 0;
  for (const ends of ENDS) {
    const { calls } = await runWith(undefined, ends);
    callCount += calls.length;
    for (const [index, call] of calls.entries()) {
      for (const kind of FAULT_KINDS) {
        if (!kind.methods.includes(call.method)) continue;
        if (silent && (kind.drops !== true || !call.path.endsWith(".log"))) continue;
        if (number++ % every !== from % every) continue;
        const name = `${kind.name} at call ${index + 1} (${call.method} ${call.path}), ${ends.join()}`;
        try {
          const outcome = await runWith({ at: index + 1, kind, silent }, ends);
          if (outcome.refused) refused++;
          for (const [answer, count] of outcome.ledger.answers) {
            answers.set(answer, (answers.get(answer) ?? 0) + count);
          }
          if (outcome.hit === undefined) broken.push(`${name}: was never met`);
        } catch (error) {
          broken.push(`${name}: ${shown(error)}`);
        }
        faults.set(kind.name, (faults.get(kind.name) ?? 0) + 1);
      }
    }
  }
  return { calls: callCount, faults, refused, answers, broken };
}
