/**
 * What a power cut may leave of a disk, for every step of a recorded run.
 *
 * Bytes and names that were synced stay. Of what was not synced, each operation by itself may have
 * reached the disk or not, whatever the order of their making; a write may have reached it in part.
 * The states that are built at each step, for each file with unsynced operations:
 *
 * - none of them, all of them, the first so many, all but one, one alone;
 * - for each write, with the others before it, or with all the others: torn after some byte, torn with
 *   zeros up to its end (the size reached the disk, the data did not), its end without its beginning,
 *   and zeros alone. Writes up to 128 bytes are torn after every byte, longer ones at the bytes of
 *   `tears`.
 *
 * Each is combined with the other files' operations all applied and all lost, and with each choice
 * of changed names (none, all, the first so many, all but one, one alone). States that occurred
 * before with the same notes are not built again. Not built: two files torn at once, and bit rot.
 */

import { crc32c } from "../format/crc32c.ts";
import { createMemoryDisk, MemoryContents, type MemoryDisk } from "./memory-disk.ts";
import {
  directoryOf,
  recordDisk,
  type DiskEvent,
  type Inode,
  type Recording,
} from "./recording-disk.ts";
import type { Disk } from "../disk.ts";

export interface PowerCutOptions<Note> {
  /** What is there before the run, durable; an empty disk unless said. */
  readonly start?: MemoryDisk;
  /** Runs on the disk and notes what it promised to whom. */
  readonly workload: (disk: Disk, note: (note: Note) => void) => Promise<void>;
  /** Recovers from the disk, which is its own, and throws where a promise noted so far is broken. */
  readonly check: (disk: MemoryDisk, notes: readonly Note[]) => Promise<void>;
  /** Recovers from every so many states alone, for a run with very many of them; 1 unless said. */
  readonly stride?: number;
}

export interface PowerCutCounts {
  /** Operations, syncs and notes of the workload. */
  readonly steps: number;
  /** Different disks that were recovered. */
  readonly states: number;
}

/** Throws `PowerCutBroke` at the first state from which `check` does not recover. */
export async function enumeratePowerCuts<Note>(
  options: PowerCutOptions<Note>,
): Promise<PowerCutCounts> {
  const recording = recordDisk<Note>(options.start);
  await options.workload(recording.disk, recording.note);
  const model = new DurableModel(recording);
  const notes: Note[] = [];
  const seen = new Set<string>();
  const { stride = 1 } = options;
  let states = 0;
  for (const [step, event] of recording.events.entries()) {
    if (event.kind === "note") notes.push(event.note);
    else model.apply(event, step);
    // The states at a note come again at the operation after it, as those that lost the operation.
    if (event.kind === "note" && step < recording.events.length - 1) continue;
    for (const state of model.states()) {
      const key = `${notes.length} ${state.key}`;
      if (seen.has(key)) continue;
      seen.add(key);
      if (seen.size % stride > 0) continue;
      states++;
      try {
        await options.check(state.build(), notes);
      } catch (cause) {
        throw new PowerCutBroke(step, event.kind, state.name, cause);
      }
    }
  }
  return { steps: recording.events.length, states };
}

export class PowerCutBroke extends Error {
  override readonly name = "PowerCutBroke";

  constructor(step: number, kind: string, state: string, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    super(`after a power cut at step ${step} (${kind}) with ${state}: ${reason}`, { cause });
  }
}

type FileOperation = { readonly step: number } & (
  | { readonly kind: "write"; readonly position: number; readonly bytes: Uint8Array }
  | { readonly kind: "truncate"; readonly size: number }
);

interface NameOperation {
  readonly step: number;
  readonly kind: "create" | "rename" | "remove" | "removeDirectory";
  readonly path: string;
  readonly inode?: Inode;
  readonly from?: string;
}

interface Contents {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly key: string;
}

interface Names {
  readonly name: string;
  readonly files: ReadonlyMap<string, Inode>;
  readonly directories: ReadonlySet<string>;
}

interface State {
  readonly name: string;
  readonly key: string;
  build(): MemoryDisk;
}

/** One file: what is durable of it and what is not yet. */
class DurableFile {
  durable: Uint8Array;
  private pending: FileOperation[] = [];
  private built: readonly Contents[] | undefined;

  constructor(durable: Uint8Array) {
    this.durable = durable;
  }

  add(operation: FileOperation): void {
    this.pending.push(operation);
    this.built = undefined;
  }

  sync(before: number): void {
    const covered = this.pending.filter((operation) => operation.step < before);
    this.durable = applied(
      this.durable,
      covered.map((operation) => ({ operation, part: FULL })),
    );
    this.pending = this.pending.filter((operation) => operation.step >= before);
    this.built = undefined;
  }

  /** First nothing, then everything, then what lies between. */
  variants(): readonly Contents[] {
    this.built ??= fileVariants(this.durable, this.pending);
    return this.built;
  }
}

class DurableModel {
  private readonly files = new Map<Inode, DurableFile>();
  private readonly names: Map<string, Inode>;
  private readonly directories: Set<string>;
  private pendingNames: NameOperation[] = [];

  constructor(recording: Pick<Recording<unknown>, "initial" | "initialDirectories">) {
    this.names = new Map();
    this.directories = new Set(recording.initialDirectories);
    for (const [path, { inode, bytes }] of recording.initial) {
      this.names.set(path, inode);
      this.files.set(inode, new DurableFile(bytes));
    }
  }

  apply(event: Exclude<DiskEvent<unknown>, { readonly kind: "note" }>, step: number): void {
    switch (event.kind) {
      case "write":
      case "truncate":
        this.files.get(event.inode)!.add({ ...event, step });
        return;
      case "create":
        this.files.set(event.inode, new DurableFile(new Uint8Array(0)));
        this.pendingNames.push({ ...event, step });
        return;
      case "rename":
      case "remove":
      case "removeDirectory":
        this.pendingNames.push({ ...event, step });
        return;
      case "makeDirectory":
        for (let path = event.path; !this.directories.has(path); path = directoryOf({ path })) {
          this.directories.add(path);
        }
        return;
      case "synced":
        this.files.get(event.inode)!.sync(event.before);
        return;
      case "directorySynced":
        this.syncNames(event.path, event.before);
    }
  }

  *states(): Generator<State> {
    for (const names of this.nameVariants()) {
      const inodes = [...new Set(names.files.values())];
      const changing = inodes.filter((inode) => this.files.get(inode)!.variants().length > 1);
      for (const others of [0, 1]) {
        yield this.state(names, undefined, others);
        for (const inode of changing) {
          const variants = this.files.get(inode)!.variants();
          for (const contents of variants) yield this.state(names, { inode, contents }, others);
        }
      }
    }
  }

  /** `others` 0: the other files lost what was not synced; 1: it reached the disk. */
  private state(
    names: Names,
    focus: { readonly inode: Inode; readonly contents: Contents } | undefined,
    others: number,
  ): State {
    const chosen = (inode: Inode): Contents => {
      if (focus?.inode === inode) return focus.contents;
      const variants = this.files.get(inode)!.variants();
      return variants[Math.min(others, variants.length - 1)]!;
    };
    const { files, directories } = names;
    const key = [...files].map(([path, inode]) => `${path}=${chosen(inode).key}`).join(" ");
    const torn = focus === undefined ? "" : `, file ${focus.inode} ${focus.contents.name}`;
    return {
      name: `${names.name}${torn}, other files ${others === 0 ? "as synced" : "as written"}`,
      key: `${key} ${[...directories].join(" ")}`,
      build: () => {
        const disk = createMemoryDisk();
        for (const directory of directories) disk.directories.add(directory);
        for (const [path, inode] of files) {
          disk.files.set(path, new MemoryContents(chosen(inode).bytes.slice()));
        }
        return disk;
      },
    };
  }

  private syncNames(directory: string, before: number): void {
    const covered = (operation: NameOperation): boolean =>
      operation.step < before && directoryOf(operation) === directory;
    for (const operation of this.pendingNames.filter(covered)) {
      rename(this.names, this.directories, operation);
    }
    this.pendingNames = this.pendingNames.filter((operation) => !covered(operation));
  }

  private *nameVariants(): Generator<Names> {
    for (const { name, kept } of subsets(this.pendingNames)) {
      const files = new Map(this.names);
      const directories = new Set(this.directories);
      for (const operation of kept) rename(files, directories, operation);
      for (const path of files.keys()) {
        if (!directories.has(directoryOf({ path }))) files.delete(path);
      }
      yield { name: `names: ${name}`, files, directories };
    }
  }
}

function rename(
  files: Map<string, Inode>,
  directories: Set<string>,
  { kind, path, inode, from }: NameOperation,
): void {
  if (kind === "removeDirectory") directories.delete(path);
  else if (kind === "remove") files.delete(path);
  else if (kind === "create") files.set(path, inode!);
  else if (files.has(from!)) {
    files.set(path, files.get(from!)!);
    files.delete(from!);
  }
}

interface Subset<Item> {
  readonly name: string;
  readonly kept: readonly Item[];
}

/** None, all, the first so many, all but one, one alone. */
function subsets<Item>(items: readonly Item[]): readonly Subset<Item>[] {
  const found: Subset<Item>[] = [
    { name: "none", kept: [] },
    { name: "all", kept: items },
  ];
  for (const [index, item] of items.entries()) {
    found.push({ name: `the first ${index}`, kept: items.slice(0, index) });
    found.push({ name: `all but number ${index}`, kept: items.toSpliced(index, 1) });
    found.push({ name: `number ${index} alone`, kept: [item] });
  }
  return found;
}

/** How much of a write reached the disk. */
interface Part {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  /** The file grew by the whole write; where data is missing it has zeros. */
  readonly grown: boolean;
}

const FULL: Part = { name: "whole", from: 0, to: Infinity, grown: true };

interface AppliedOperation {
  readonly operation: FileOperation;
  readonly part: Part;
}

function fileVariants(durable: Uint8Array, pending: readonly FileOperation[]): Contents[] {
  const found = new Map<string, Contents>();
  const add = (name: string, operations: readonly AppliedOperation[]): void => {
    const bytes = applied(durable, operations);
    const key = `${bytes.length}-${crc32c(bytes)}`;
    if (!found.has(key)) found.set(key, { name, bytes, key });
  };
  const whole = (operation: FileOperation): AppliedOperation => ({ operation, part: FULL });
  for (const { name, kept } of subsets(pending)) add(`operations: ${name}`, kept.map(whole));
  for (const [index, operation] of pending.entries()) {
    if (operation.kind !== "write") continue;
    const before = pending.slice(0, index).map(whole);
    const behind = pending.slice(index + 1).map(whole);
    for (const part of parts(operation.bytes.length)) {
      const torn = { operation, part };
      add(`write ${index} ${part.name}`, [...before, torn]);
      if (behind.length > 0)
        add(`write ${index} ${part.name}, later whole`, [...before, torn, ...behind]);
    }
  }
  return [...found.values()];
}

const SMALL_BYTES = 128;

/** Around the fields of a batch header, and of the record that follows; ends of sectors; a few more. */
function tears(length: number): readonly number[] {
  if (length <= SMALL_BYTES) return Array.from({ length }, (_, at) => at);
  const places = [1, 8, 12, 17, 21, 57, 60, 61, 62, 64, length - 1, length >>> 1];
  for (let at = 512; at < length; at += 512) places.push(at);
  for (let at = 211; at < length; at += 211) places.push(at);
  return places.filter((at) => at < length);
}

function parts(length: number): readonly Part[] {
  const found: Part[] = [{ name: "zeros alone", from: 0, to: 0, grown: true }];
  for (const at of tears(length)) {
    found.push({ name: `up to byte ${at}`, from: 0, to: at, grown: false });
    found.push({ name: `up to byte ${at}, then zeros`, from: 0, to: at, grown: true });
    found.push({ name: `from byte ${at} on`, from: at, to: length, grown: true });
  }
  return found;
}

function applied(durable: Uint8Array, operations: readonly AppliedOperation[]): Uint8Array {
  const contents = new MemoryContents(durable.slice());
  for (const { operation, part } of operations) {
    if (operation.kind === "truncate") contents.truncate(operation.size);
    else {
      const { bytes, position } = operation;
      if (part.grown) contents.truncate(Math.max(contents.size, position + bytes.length));
      if (part.to > part.from)
        contents.write(
          bytes.subarray(part.from, Math.min(part.to, bytes.length)),
          position + part.from,
        );
    }
  }
  return contents.bytes.slice();
}
