/** What the streams of a broker in this process need from below: logs, specs, group positions. */

import type { StreamSpec } from "../../streams.ts";
import type { RecordLog } from "./record-log.ts";

export interface StoredStream {
  readonly spec: StreamSpec;
  readonly incarnation: string;
  /** One per partition. */
  readonly logs: readonly RecordLog[];
}

export interface StoredPosition {
  readonly stream: string;
  readonly partition: number;
  /** Negative where a client from outside says that it has none: no position then, but told again. */
  readonly offset: number;
  /** What a client from outside stored with it, to be told again. */
  readonly leaderEpoch?: number;
  readonly metadata?: string;
}

export interface StreamStorage {
  /** The broker's own id. */
  readonly cluster: string;
  /** The streams found when the storage was opened. */
  readonly found: readonly StoredStream[];

  /** Makes the stream under a new incarnation; durable when it resolves. */
  createStream(spec: StreamSpec): Promise<StoredStream>;
  saveSpec(incarnation: string, spec: StreamSpec): Promise<void>;
  /** Adds empty partitions behind those there are; durable when it resolves. */
  growStream(stream: StoredStream, spec: StreamSpec): Promise<StoredStream>;
  /** Closes the logs and removes the stream with its groups' positions. */
  removeStream(stream: StoredStream): Promise<void>;

  /** Groups that ever committed. */
  groups(): readonly string[];
  positions(group: string): readonly StoredPosition[];
  position(group: string, stream: string, partition: number): number | undefined;
  /** Durable when it resolves; the newest call for a partition wins. */
  savePosition(group: string, position: StoredPosition): Promise<void>;

  /** Above every epoch that was given before, also by earlier processes. */
  nextEpoch(): number;
}
