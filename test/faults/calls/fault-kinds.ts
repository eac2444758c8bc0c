/** The ways in which one call to the disk can fail. */

import type { Method } from "./fault-disk.ts";

export interface FaultKind {
  readonly name: string;
  readonly methods: readonly Method[];
  /** Missing where the system says no error. */
  readonly code?: "EIO" | "ENOSPC" | "EMFILE";
  /** What of a write is done all the same, at its first call to the system. */
  readonly writes?: number;
  /** What was not synced is gone. */
  readonly drops?: boolean;
}

const WRITES: readonly Method[] = ["write", "writeSynced"];
const SYNCS: readonly Method[] = ["sync", "writeSynced", "syncDirectory"];
const NAMES: readonly Method[] = [
  "open",
  "rename",
  "remove",
  "truncate",
  "makeDirectory",
  "removeDirectory",
];
const READS: readonly Method[] = ["read", "readFile", "list", "size", "freeBytes"];

export const FAULT_KINDS: readonly FaultKind[] = [
  { name: "write error", methods: WRITES, code: "EIO", writes: 0 },
  { name: "short write, then an error", methods: WRITES, code: "EIO", writes: 0.5 },
  { name: "short write, no error", methods: WRITES, writes: 0.5 },
  { name: "full at write", methods: WRITES, code: "ENOSPC", writes: 0 },
  { name: "full in a write", methods: WRITES, code: "ENOSPC", writes: 0.5 },
  { name: "sync error, bytes kept", methods: SYNCS, code: "EIO" },
  { name: "sync error, bytes lost", methods: SYNCS, code: "EIO", drops: true },
  { name: "full at sync", methods: ["sync", "writeSynced"], code: "ENOSPC" },
  { name: "name error", methods: NAMES, code: "EIO" },
  { name: "full at name", methods: ["open", "rename", "makeDirectory"], code: "ENOSPC" },
  { name: "too many open files", methods: ["open"], code: "EMFILE" },
  { name: "read error", methods: READS, code: "EIO" },
  { name: "close error", methods: ["close"], code: "EIO" },
];
