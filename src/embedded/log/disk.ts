/**
 * The disk seam: every file operation of the embedded broker goes through it, so that a recorder can
 * build each legal state after a power cut, and a test can make the disk fail or fill up.
 *
 * Durability rules that callers must follow and the recorder enforces: bytes are durable after the
 * file's `sync`; a created, renamed or removed name is durable after its directory's `syncDirectory`;
 * a failed sync is final for that file (the kernel may have dropped the pages), never retried.
 *
 * All paths are absolute or relative to the process; errors are Node's own (`ENOSPC`, `EIO`, …).
 */
export interface Disk {
  /** Opens for reading and writing. `create` makes it where missing; with `exclusive` it must be missing. */
  open(
    path: string,
    options: { readonly create?: boolean; readonly exclusive?: boolean },
  ): Promise<DiskFile>;
  /** Names in the directory, sorted; empty where the directory is missing. */
  list(directory: string): Promise<readonly string[]>;
  /** Makes the directory and its missing parents; all are durable when it resolves. */
  makeDirectory(directory: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  removeDirectory(directory: string): Promise<void>;
  syncDirectory(directory: string): Promise<void>;
  readFile(path: string): Promise<Uint8Array | undefined>;
  freeBytes(directory: string): Promise<number>;
}

export interface DiskFile {
  /** Writes all the buffers one after another at `position`. */
  write(buffers: readonly Uint8Array[], position: number): Promise<void>;
  /**
   * As `write`, and resolves when these bytes are durable; of earlier writes that were not synced it
   * promises nothing. One call to the system where that has it, so it is quicker than write and sync.
   */
  writeSynced(buffers: readonly Uint8Array[], position: number): Promise<void>;
  /**
   * Up to `length` bytes; fewer at the end of the file. `memory`, of that length, is memory that they
   * may be read into, or not: they are what is returned.
   */
  read(position: number, length: number, memory?: Buffer): Promise<Uint8Array>;
  /** fdatasync: contents and size. */
  sync(): Promise<void>;
  truncate(size: number): Promise<void>;
  size(): Promise<number>;
  close(): Promise<void>;
}
