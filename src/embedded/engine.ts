/**
 * What the embedded broker's doors stand on: its engines, its storage, its logs. In this process the
 * broker port is enough; those who come over the network bring record batches, groups with their own
 * assignments and transactions, which the port does not know.
 */

import type { QueueEngine } from "../broker/in-process/queue/queue-engine.ts";
import type { StreamEngine } from "../broker/in-process/stream/stream-engine.ts";
import type { Environment } from "../model/environment.ts";
import type { KeyedLog } from "./keyed-log.ts";
import type { DiskStreams } from "./stream/disk-streams.ts";

export interface Engine {
  readonly environment: Environment;
  /** The broker's own id. */
  readonly cluster: string;
  /** Where everything is kept. */
  readonly directory: string;
  /** What is free on its disk. */
  readonly freeBytes: () => Promise<number>;
  readonly streams: StreamEngine;
  readonly streamStorage: DiskStreams;
  readonly queues: QueueEngine;
  /** Small durable facts by key. */
  readonly state: KeyedLog;
}
