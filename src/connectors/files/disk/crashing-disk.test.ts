/**
 * A disk for tests that ends at a chosen step: that step is done by half or not at all, and nothing
 * after it. `survivor` is what a restart finds: all that was written (the process was killed), or only
 * what was synced (the power was cut).
 */

import type { FileDisk, OpenFile } from "./file-disk.ts";

interface Content {
  readonly identity: string;
  bytes: Buffer;
  synced: Buffer;
}

export class CrashingDisk implements FileDisk {
  readonly #files: Map<string, Content>;
  #stepsLeft: number;
  #steps = 0;

  constructor(
    files: ReadonlyMap<string, Content> = new Map(),
    stepsLeft = Number.POSITIVE_INFINITY,
  ) {
    this.#files = new Map(files);
    this.#stepsLeft = stepsLeft;
  }

  /** Steps that changed the disk. */
  get steps(): number {
    return this.#steps;
  }

  get crashed(): boolean {
    return this.#stepsLeft <= 0;
  }

  survivor(how: "killed" | "power cut", stepsLeft?: number): CrashingDisk {
    const files = Array.from(this.#files, ([path, { identity, bytes, synced }]) => {
      const left = Buffer.from(how === "killed" ? bytes : synced);
      return [path, { identity, bytes: left, synced: Buffer.from(left) }] as const;
    });
    return new CrashingDisk(new Map(files), stepsLeft);
  }

  text(path: string): string | undefined {
    return this.#files.get(path)?.bytes.toString();
  }

  paths(): readonly string[] {
    return [...this.#files.keys()].toSorted();
  }

  put(path: string, text: string, identity = this.#files.get(path)?.identity ?? path): void {
    this.#files.set(path, { identity, bytes: Buffer.from(text), synced: Buffer.from(text) });
  }

  async openToRead(path: string): Promise<OpenFile | undefined> {
    this.#check();
    const content = this.#files.get(path);
    return content && this.#open(content);
  }

  async openToWrite(path: string): Promise<OpenFile> {
    this.#check();
    let content = this.#files.get(path);
    if (content === undefined) {
      this.#step();
      content = {
        identity: `${path}#${this.#steps}`,
        bytes: Buffer.alloc(0),
        synced: Buffer.alloc(0),
      };
      this.#files.set(path, content);
    }
    return this.#open(content);
  }

  async identify(path: string): Promise<string | undefined> {
    return this.#files.get(path)?.identity;
  }

  async rename(from: string, to: string): Promise<void> {
    this.#step();
    this.#files.set(to, this.#files.get(from)!);
    this.#files.delete(from);
  }

  #open(content: Content): OpenFile {
    return {
      identity: content.identity,
      size: async () => content.bytes.length,
      read: async (offset, length) => {
        this.#check();
        return Buffer.from(content.bytes.subarray(offset, offset + length));
      },
      write: async (offset, bytes) => {
        const whole = this.#stepsLeft > 1;
        const part = whole ? bytes : bytes.subarray(0, bytes.length >> 1);
        this.#check();
        const size = Math.max(content.bytes.length, offset + part.length);
        const grown = Buffer.alloc(size);
        content.bytes.copy(grown);
        grown.set(part, offset);
        content.bytes = grown;
        this.#step();
      },
      truncate: async (size) => {
        this.#step();
        content.bytes = Buffer.from(content.bytes.subarray(0, size));
      },
      sync: async () => {
        this.#step();
        content.synced = Buffer.from(content.bytes);
      },
      close: async () => {},
    };
  }

  #check(): void {
    if (this.#stepsLeft <= 0) throw new Error("the process has ended");
  }

  /** Throws at the step that is one too many, which has not happened. */
  #step(): void {
    this.#check();
    this.#steps++;
    this.#stepsLeft--;
    this.#check();
  }
}
