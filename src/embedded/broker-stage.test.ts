/** An embedded broker on a disk in memory with virtual time, and the moves its tests consist of. */

import type { Broker } from "../broker/broker.ts";
import type { Lease, Queues } from "../broker/queues.ts";
import type { StreamRecord, Streams } from "../broker/streams.ts";
import type { RawMessage } from "../model/message.ts";
import { createTestEnvironment, type TestEnvironment } from "../testing/environment.ts";
import { openEmbedded } from "./embedded.ts";
import { mortal } from "./log/log-stage.test.ts";
import { createMemoryDisk, type Disk, type MemoryDisk } from "./log/open-log.ts";
import type { JournalLimits } from "./queue/journal-limits.ts";
import { checkOptions, type EmbeddedOptions } from "./options.ts";

export const DIRECTORY = "/data";

export function message(
  text: string,
  { key = null, id }: { readonly key?: string | null; readonly id?: string } = {},
): RawMessage {
  return { key, headers: id === undefined ? [] : [["ce_id", id]], value: Buffer.from(text) };
}

export function textOf({ value }: RawMessage): string {
  return Buffer.from(value ?? []).toString();
}

export interface TestBroker extends AsyncDisposable {
  readonly disk: MemoryDisk;
  readonly environment: TestEnvironment;
  readonly broker: Broker;
  readonly streams: Streams;
  readonly queues: Queues;
  /** Ends as SIGKILL does: what was written stays, nothing more is written. Then opens again. */
  crash(): Promise<void>;
  /** Closes and opens again. */
  restart(): Promise<void>;
}

export interface TestBrokerOptions extends EmbeddedOptions {
  readonly disk?: MemoryDisk;
  /** Stands between the broker and the disk in memory. */
  readonly wrap?: (disk: Disk) => Disk;
  readonly limits?: JournalLimits;
}

/** Small, and made at the first meeting, so that every test of the broker uses it. */
const JOURNAL = { halfBytes: 65_536, groupBytesMax: 16_384, makeAfter: 1 };

export async function openTestBroker(options: TestBrokerOptions = {}): Promise<TestBroker> {
  const { disk = createMemoryDisk(), wrap = (inner) => inner, limits, ...settings } = options;
  const checked = checkOptions({ directory: DIRECTORY, freeBytesMin: 0, ...settings });
  const open = async (startMs?: number): Promise<Opened> => {
    const environment = createTestEnvironment(startMs === undefined ? {} : { startMs });
    const life = mortal(wrap(disk));
    const lock = () => ({ release: () => {} });
    const broker = await openEmbedded(environment, checked, {
      disk: life.disk,
      lock,
      journal: JOURNAL,
      ...(limits === undefined ? {} : { limits }),
    });
    return { environment, broker, end: life.end };
  };
  let opened = await open();
  return {
    disk,
    get environment() {
      return opened.environment;
    },
    get broker() {
      return opened.broker;
    },
    get streams() {
      return opened.broker.streams!;
    },
    get queues() {
      return opened.broker.queues!;
    },
    async crash() {
      opened.end();
      opened = await open(opened.environment.clock.now());
    },
    async restart() {
      await opened.broker.close();
      opened = await open(opened.environment.clock.now());
    },
    async [Symbol.asyncDispose]() {
      await opened.broker.close();
    },
  };
}

interface Opened {
  readonly environment: TestEnvironment;
  readonly broker: Broker;
  readonly end: () => void;
}

export async function readAll(
  streams: Streams,
  stream: string,
  partition = 0,
): Promise<StreamRecord[]> {
  const records: StreamRecord[] = [];
  for await (const batch of streams.read(stream, { partition, from: "earliest" })) {
    records.push(...batch);
  }
  return records;
}

/** The next group of leases, waiting for one. */
export async function takeGroup(
  queues: Queues,
  queue: string,
  credit = 100,
): Promise<readonly Lease[]> {
  const receiver = await queues.receive(queue, { credit });
  const { value } = await receiver[Symbol.asyncIterator]().next();
  await receiver.close();
  return value ?? [];
}
