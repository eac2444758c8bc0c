/** Looking after what lies on the disk: backups, verification, and how much it is. */

import type { DiskUse } from "../../broker/upkeep/upkeep.ts";
import type { RepairOptions } from "../admin.ts";
import type { Job } from "./replay-admin.ts";

/** Of the broker, and of the stores that are open in its process. */
export interface DiskReport extends DiskUse {
  readonly stores: readonly { readonly service: string; readonly bytes: number }[];
}

export interface UpkeepAdmin {
  /**
   * Begins a backup of the broker and of all stores in its process into a directory of the machine
   * where that runs, and answers with the job at once. The directory has its name when the backup is
   * whole. The job counts bytes and files. Throws BAD_ARGUMENT for a path that is not absolute,
   * CAPABILITY_MISSING where broker or a store cannot be backed up so.
   */
  backup(target: string, options?: Pick<RepairOptions, "by">): Promise<Job>;
  /**
   * Begins to read every batch, of one stream or of everything. The job counts logs, segments, batches,
   * records and problems; its failures are the problems, with the file as their `id`.
   * Throws CAPABILITY_MISSING.
   */
  verifyLogs(options?: { readonly stream?: string } & Pick<RepairOptions, "by">): Promise<Job>;
  /** Throws CAPABILITY_MISSING. */
  diskUse(): Promise<DiskReport>;
}
