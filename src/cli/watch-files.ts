/**
 * Tells when one of a set of files changes.
 *
 * Editors replace files by renaming, and one saving makes several events; so the folders are watched,
 * an event counts only if a file of the set has another size or time than when it was added, and the
 * answer waits until the files have been quiet for a moment.
 */

import { statSync, watch, type FSWatcher } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Clock, Timer } from "../model/clock.ts";

const QUIET_MS = 50;

export class FileWatch implements Disposable {
  readonly #clock: Clock;
  /** Signatures by path, as the files were when they were added. */
  readonly #files = new Map<string, string>();
  readonly #folders = new Map<string, FSWatcher>();
  readonly #changed = new Set<string>();
  #quiet: Timer | undefined;
  #resolve!: (paths: readonly string[]) => void;
  /** Resolves once, with the paths that changed, when they have come to rest. */
  readonly changed: Promise<readonly string[]>;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.changed = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  get count(): number {
    return this.#files.size;
  }

  add(path: string): void {
    if (this.#files.has(path)) return;
    this.#files.set(path, signatureOf(path));
    const folder = dirname(path);
    if (this.#folders.has(folder)) return;
    const watcher = watch(folder, { persistent: true }, (_event, name) => {
      if (name === null) for (const file of this.#files.keys()) this.#look(file);
      else this.#look(join(folder, basename(name)));
    });
    // A folder that goes away takes its files with it; the restart then names what is missing.
    watcher.on("error", () => watcher.close());
    this.#folders.set(folder, watcher);
  }

  #look(path: string): void {
    const before = this.#files.get(path);
    if (before === undefined || before === signatureOf(path)) return;
    this.#changed.add(path);
    this.#quiet?.cancel();
    this.#quiet = this.#clock.after(QUIET_MS, () => this.#resolve([...this.#changed]));
  }

  [Symbol.dispose](): void {
    this.#quiet?.cancel();
    for (const watcher of this.#folders.values()) watcher.close();
  }
}

function signatureOf(path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats === undefined ? "missing" : `${stats.mtimeMs} ${stats.size} ${stats.ino}`;
}
