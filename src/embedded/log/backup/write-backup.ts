/**
 * A backup of a directory that is at work.
 *
 * Stores first, each held from the end of its copy: what a service has committed by then may be in the
 * log or not, what it commits later is not in the log at the cut. Then one look at all logs
 * (`log-registry.ts`), and the stores go on. So the backup's positions lie within its logs, its queues
 * have lost no message that its stores do not know of, and its streams hold no message that a restored
 * service would publish a second time under another number.
 *
 * What the logs' files hold beyond the cut does not matter, for they only grow; that they go, or are
 * replaced by compacted ones, does. So they get a second name, in `backing-up` beside them, before the
 * logs may touch them again, and are copied from there at leisure. Segments that have ended are linked
 * instead of copied where the target shares the file system: nobody writes to them any more.
 *
 * The backup grows under `TARGET.partial` and gets its name when all of it is synced.
 */

import { mkdir, readdir, rename, rm, stat, statfs } from "node:fs/promises";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { MillraceError } from "../../../model/errors.ts";
import type { BackupReport, BackupRequest } from "../../../broker/upkeep/upkeep.ts";
import { DESCRIPTION, DIRECTORY_FORMAT } from "../directory/description.ts";
import { errorCode } from "../disks/error-code.ts";
import { encodeBoundary, SIDECAR_BYTES, slotOf } from "../format/group-boundary.ts";
import type { LogEnvironment } from "../log-environment.ts";
import type { LogCut, SegmentCut } from "../log-registry.ts";
import { segmentName } from "../segment/segment-facts.ts";
import { copyFile, sumFile, syncPath, tryLink, writeFile, type FileSum } from "./copy-file.ts";
import { BACKUP_FORMAT, MANIFEST, type BackupFile, type Manifest } from "./manifest.ts";

const STAGING = "backing-up";
const PARTIAL = ".partial";

interface BackedUp {
  readonly path: string;
  readonly cluster: string;
  readonly logs: LogEnvironment;
}

/** One at a time: the caller sees to it. Throws as `Upkeep.backup` does. */
export async function writeBackup(data: BackedUp, request: BackupRequest): Promise<BackupReport> {
  const target = resolve(request.target);
  await refusePlace(data.path, target);
  await refuseLittleRoom(data, target, request.storesBytes);
  const partial = `${target}${PARTIAL}`;
  const staging = join(data.path, STAGING);
  // What a process that was killed has left.
  await rm(staging, { recursive: true, force: true });
  await rm(partial, { recursive: true, force: true });
  try {
    await mkdir(join(partial, "stores"), { recursive: true, mode: 0o750 });
    await mkdir(staging, { mode: 0o750 });
    const report = await new BackupWriter(data, { ...request, partial, staging }).write();
    await refuseExisting(target);
    await rename(partial, target);
    await syncPath(dirname(target));
    return report;
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

interface Places {
  readonly partial: string;
  readonly staging: string;
}

interface Staged {
  /** Where the file can be read until the end of the backup. */
  readonly from: string;
  /** In the backup. */
  readonly path: string;
  /** Beyond it the file has gone on since. */
  readonly bytes: number;
  readonly ended: boolean;
}

class BackupWriter {
  readonly #data: BackedUp;
  readonly #request: BackupRequest & Places;
  readonly #files: BackupFile[] = [];
  readonly #directories = new Set<string>();
  #doneBytes = 0;
  #totalBytes = 0;

  constructor(data: BackedUp, request: BackupRequest & Places) {
    this.#data = data;
    this.#request = request;
  }

  async write(): Promise<BackupReport> {
    const { partial, stores, signal } = this.#request;
    const { clock, open } = this.#data.logs;
    this.#directories.add(partial);
    const held = await stores(join(partial, "stores"));
    let letGo: (() => void) | undefined;
    let staged: readonly Staged[];
    let takenMs: number;
    try {
      let cuts: LogCut[];
      try {
        signal.throwIfAborted();
        letGo = await open.hold();
        takenMs = clock.now();
        cuts = open.cut();
      } finally {
        await held.release();
      }
      staged = await this.#stage(cuts);
      // Without links the logs' own files are copied, and must stay until then.
      if (staged.every(({ from }) => from.startsWith(this.#request.staging))) letGo();
      await this.#copyAll(cuts, staged);
    } finally {
      letGo?.();
    }
    await this.#sumStores();
    const bytes = this.#files.reduce((sum, file) => sum + file.bytes, 0);
    await this.#finish(takenMs);
    return { files: this.#files.length, bytes };
  }

  async #stage(cuts: readonly LogCut[]): Promise<readonly Staged[]> {
    const { staging } = this.#request;
    const staged: Staged[] = [];
    for (const { directory, segments } of cuts) {
      for (const segment of segments) {
        const own = join(directory, `${segmentName(segment.baseOffset)}.log`);
        const linked = join(staging, `${staged.length}.log`);
        const from = (await tryLink(own, linked)) ? linked : own;
        const ended = segment !== segments.at(-1);
        staged.push({ from, path: this.#inBackup(own), bytes: segment.bytes, ended });
        this.#totalBytes += segment.bytes;
      }
      await this.#copySides(directory, segments);
    }
    return staged;
  }

  /** Notes of damage, and what is known of producers: small, and copied before anybody changes them. */
  async #copySides(directory: string, segments: readonly SegmentCut[]): Promise<void> {
    const end = segments.at(-1)!.nextOffset;
    const first = segments[0]!.baseOffset;
    await this.#makeDirectory(this.#inBackup(directory));
    for (const name of await readdir(directory)) {
      const [, offset, kind] = /^(\d{20})\.(damage|producers)$/.exec(name) ?? [];
      if (offset === undefined || Number(offset) < first || Number(offset) > end) continue;
      const own = join(directory, name);
      try {
        await this.#copy(own, this.#inBackup(own));
      } catch (error) {
        // A snapshot goes when a newer one has come; without it the log is read.
        if (kind !== "producers" || errorCode(error) !== "ENOENT") throw error;
      }
    }
  }

  async #copyAll(cuts: readonly LogCut[], staged: readonly Staged[]): Promise<void> {
    await this.#makeDirectory("broker");
    for (const { from, path, bytes, ended } of staged) {
      const to = join(this.#request.partial, path);
      const shared = ended && from.startsWith(this.#request.staging) && (await tryLink(from, to));
      if (shared) this.#add(path, await sumFile(to, this.#pace(), bytes));
      else await this.#copy(from, path, bytes);
    }
    for (const { directory, segments } of cuts) {
      for (const segment of segments) {
        const name = `${segmentName(segment.baseOffset)}.groups`;
        const path = this.#inBackup(join(directory, name));
        const ended = segment !== segments.at(-1);
        const logStart = segments[0]!.baseOffset;
        const sidecar = sidecarOf(segment, { ended, logStart });
        const sum = await writeFile(join(this.#request.partial, path), sidecar);
        this.#add(path, sum);
      }
    }
    // Last: contents without it are refused, so nobody starts on half of them.
    await this.#copy(join(this.#data.path, DESCRIPTION), `broker/${DESCRIPTION}`);
  }

  async #sumStores(): Promise<void> {
    const directory = join(this.#request.partial, "stores");
    this.#directories.add(directory);
    for (const name of await readdir(directory)) {
      const path = join(directory, name);
      await syncPath(path);
      this.#add(`stores/${name}`, await sumFile(path, this.#pace()));
    }
  }

  async #finish(takenMs: number): Promise<void> {
    const { partial } = this.#request;
    const manifest: Manifest = {
      format: BACKUP_FORMAT,
      directoryFormat: DIRECTORY_FORMAT,
      cluster: this.#data.cluster,
      takenMs,
      files: this.#files.toSorted((a, b) => (a.path < b.path ? -1 : 1)),
    };
    await writeFile(join(partial, MANIFEST), Buffer.from(`${JSON.stringify(manifest, null, 1)}\n`));
    for (const directory of this.#directories) await syncPath(directory);
  }

  async #copy(from: string, path: string, bytes?: number): Promise<void> {
    this.#add(path, await copyFile(from, join(this.#request.partial, path), this.#pace(), bytes));
  }

  #add(path: string, sum: FileSum): void {
    this.#files.push({ path, ...sum });
  }

  #pace(): Parameters<typeof sumFile>[1] {
    const { signal, progress } = this.#request;
    const copied = (bytes: number): void => {
      this.#doneBytes += bytes;
      progress(Math.min(this.#doneBytes, this.#totalBytes), this.#totalBytes);
    };
    return { signal, copied };
  }

  #inBackup(path: string): string {
    return ["broker", ...relative(this.#data.path, path).split(sep)].join("/");
  }

  async #makeDirectory(path: string): Promise<void> {
    const { partial } = this.#request;
    await mkdir(join(partial, path), { recursive: true, mode: 0o750 });
    let made = partial;
    for (const name of path.split("/")) this.#directories.add((made = join(made, name)));
  }
}

/** As an orderly stop at the cut would have left it. */
function sidecarOf(
  segment: SegmentCut,
  { ended, logStart }: { readonly ended: boolean; readonly logStart: number },
): Buffer {
  const { compacted, ...facts } = segment;
  const boundary = {
    ...facts,
    ...(compacted !== undefined && { compacted }),
    sequence: 1,
    state: ended ? ("sealed" as const) : ("clean" as const),
    followed: ended,
    logStart,
  };
  const contents = Buffer.alloc(SIDECAR_BYTES);
  encodeBoundary(boundary).copy(contents, slotOf(boundary));
  return contents;
}

async function refusePlace(data: string, target: string): Promise<void> {
  const inside = relative(resolve(data), target);
  if (!inside.startsWith("..") && inside !== target) {
    throw new MillraceError(
      "BAD_ARGUMENT",
      `${target} lies in the data directory itself; choose a place on another disk`,
      { details: { argument: "target" } },
    );
  }
  await refuseExisting(target);
  await mkdir(dirname(target), { recursive: true, mode: 0o750 });
}

async function refuseExisting(target: string): Promise<void> {
  const found = await stat(target).catch((error: unknown) => {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  });
  if (found === undefined) return;
  throw new MillraceError(
    "CONFLICT",
    `${target} is there already; name a place where nothing is, such as ${basename(target)}-2`,
    { details: { directory: target } },
  );
}

/** Also on the broker's own disk its floor of free space stays free: below it appends are refused. */
async function refuseLittleRoom(
  { path, logs }: BackedUp,
  target: string,
  storesBytes: number,
): Promise<void> {
  const parent = dirname(target);
  const same = (await stat(parent)).dev === (await stat(path)).dev;
  const copied = logs.open.cut().flatMap(({ segments }) => (same ? segments.slice(-1) : segments));
  const needed = copied.reduce((sum, { bytes }) => sum + bytes + SIDECAR_BYTES, storesBytes);
  const { bavail, bsize } = await statfs(parent);
  const free = bavail * bsize - (same ? logs.freeSpace.freeBytesMin : 0);
  if (needed <= free) return;
  throw new MillraceError(
    "DISK_FULL",
    `a backup to ${target} needs ${needed} bytes, and ${Math.max(0, free)} can be used there; choose another disk, or free some space`,
    { details: { directory: target, needed, free } },
  );
}
