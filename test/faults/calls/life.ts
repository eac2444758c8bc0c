/** One life of a server: the embedded broker with its Kafka door, on a given disk and virtual time. */

import { setImmediate as turn } from "node:timers/promises";
import type { Broker } from "../../../src/broker/broker.ts";
import { openEmbedded } from "../../../src/embedded/embedded.ts";
import type { Disk } from "../../../src/embedded/log/disk.ts";
import { systemError } from "../../../src/embedded/log/disks/memory-disk.ts";
import { mortal } from "../../../src/embedded/log/log-stage.test.ts";
import { checkOptions } from "../../../src/embedded/options.ts";
import { createTestEnvironment, type TestEnvironment } from "../../../src/testing/environment.ts";
import { Client } from "../../hostile/client.ts";

export const DIRECTORY = "/data";
/** So small that segments roll and retention has something to remove. */
const SEGMENT_BYTES = 1200;
/** Beyond it something waits for what never comes. */
const ANSWER_MS_MAX = 20_000;
const TURNS_PER_TICK = 4;

export interface Life {
  readonly environment: TestEnvironment;
  readonly broker: Broker;
  readonly client: Client;
  /** Waits for an answer, without letting virtual time pass; rejects with Hung where none comes. */
  answered<Value>(answer: Promise<Value>, what: string): Promise<Value>;
  /** Lets virtual time pass. */
  elapse(ms: number): Promise<void>;
  /** An orderly stop; rejects as the broker's own does. */
  stop(): Promise<void>;
  /** Ends it as SIGKILL does: its disk takes nothing more. */
  kill(): Promise<void>;
}

export interface LifeOptions {
  readonly disk: Disk;
  readonly startMs?: number;
  readonly seed?: number;
  readonly freeBytesMin?: number;
}

/** Small, and made at the first meeting: its halves are used again and again. */
const JOURNAL = { halfBytes: 4096, groupBytesMax: 2048, makeAfter: 1 };

/** Rejects as `openEmbedded` does. */
export async function openLife(options: LifeOptions): Promise<Life> {
  const { disk, startMs, seed = 1, freeBytesMin = 0 } = options;
  const environment = createTestEnvironment({ seed, ...(startMs !== undefined && { startMs }) });
  const process = mortal(disk, async () => {
    throw systemError("EIO", "the process has ended");
  });
  const checked = checkOptions({ directory: DIRECTORY, freeBytesMin, kafka: { port: 0 } });
  const broker = await openEmbedded(
    environment,
    { ...checked, segmentBytesMax: SEGMENT_BYTES },
    { disk: process.disk, lock: () => ({ release: () => {} }), journal: JOURNAL },
  );
  const client = await Client.open(broker.addresses![0]!.port);
  const end = async (): Promise<void> => {
    client.socket.destroy();
    await within(broker.close(), "the end of a stop");
  };
  return {
    environment,
    broker,
    client,
    async answered(answer, what) {
      const state = { waiting: true };
      const settled = (): void => {
        state.waiting = false;
      };
      answer.then(settled, settled);
      const endsMs = performance.now() + ANSWER_MS_MAX;
      for (let turns = 0; state.waiting; turns++) {
        await turn();
        // The door gives other connections their turn by a timer of no time.
        if (turns % TURNS_PER_TICK === 0) await environment.clock.advance(0);
        if (performance.now() > endsMs) throw new Hung(what);
      }
      return answer;
    },
    async elapse(ms) {
      await environment.clock.advance(ms);
      await turn();
    },
    stop: end,
    async kill() {
      process.end();
      await end().catch(() => undefined);
    },
  };
}

/** Rejects where it takes longer than anything here may. */
export async function within<Value>(work: Promise<Value>, what: string): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Hung(what)), ANSWER_MS_MAX);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

export class Hung extends Error {
  override readonly name = "Hung";

  constructor(what: string) {
    super(`${what} never comes`);
  }
}
