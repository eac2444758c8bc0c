/**
 * What a broker that keeps its data on this machine offers to those who look after it: backups, the
 * verification of what lies on the disk, and how much that is.
 */

/** Stores that take no writes until they are let go. */
export interface HeldStores {
  release(): Promise<void>;
}

export interface BackupRequest {
  /** An absolute path where nothing is; the backup is a directory of this name once it is whole. */
  readonly target: string;
  /**
   * Copies the stores into the directory and resolves with all of them held: the broker's logs are cut
   * while nothing that they do not know of can have been published or acknowledged. They are let go
   * right behind the cut.
   */
  readonly stores: (directory: string) => Promise<HeldStores>;
  /** What the stores will take, for the look at the free space. */
  readonly storesBytes: number;
  readonly signal: AbortSignal;
  readonly progress: (doneBytes: number, totalBytes: number) => void;
}

export interface BackupReport {
  readonly files: number;
  readonly bytes: number;
}

export interface LogProblem {
  /** A stream's name, `queue NAME`, or `state`. */
  readonly log: string;
  readonly partition: number;
  /** The first offset concerned. */
  readonly offset: number;
  /** The offset behind the last one; the same as `offset` where no record is lost. */
  readonly nextOffset: number;
  readonly file: string;
  readonly message: string;
}

export interface VerifyRequest {
  /** This stream alone; everything unless said. */
  readonly stream?: string | undefined;
  readonly signal: AbortSignal;
  readonly progress: (doneBytes: number, totalBytes: number) => void;
}

export interface VerifyReport {
  readonly logs: number;
  readonly segments: number;
  readonly batches: number;
  readonly records: number;
  readonly bytes: number;
  readonly snapshots: number;
  readonly problems: readonly LogProblem[];
}

/** Bytes on the disk. */
export interface DiskUse {
  readonly streams: readonly {
    readonly name: string;
    /** By partition. */
    readonly partitions: readonly number[];
  }[];
  readonly queues: readonly { readonly name: string; readonly bytes: number }[];
  readonly state: number;
  /** The commit journal, which is there while several partitions are written at once. */
  readonly journal: number;
  readonly freeBytes: number;
  /** Below it appends are refused. */
  readonly freeBytesMin: number;
  /** Appends are refused, or were a moment ago: too little was free, or the disk itself said so. */
  readonly full: boolean;
}

export interface Upkeep {
  /**
   * Copies everything at one moment while work goes on. Throws CONFLICT where the target exists or
   * another backup runs, DISK_FULL before anything is copied where the target has too little room,
   * DISK_FAILED, and what `stores` throws.
   */
  backup(request: BackupRequest): Promise<BackupReport>;
  /** Reads every batch that is durable now. Throws UNKNOWN_STREAM. */
  verify(request: VerifyRequest): Promise<VerifyReport>;
  diskUse(): Promise<DiskUse>;
}
