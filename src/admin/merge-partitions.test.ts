import assert from "node:assert/strict";
import { test } from "node:test";
import type { ReadOptions, StreamRecord, Streams } from "../broker/streams.ts";
import { memoryBroker } from "../memory/broker.ts";
import { isMillraceError } from "../model/errors.ts";
import { valuesOf } from "../model/outcome.ts";
import { createTestEnvironment, type TestEnvironment } from "../testing/environment.ts";
import { mergePartitions } from "./merge-partitions.ts";

const PARTITIONS = 3;

async function withStreams(
  run: (streams: Streams, environment: TestEnvironment) => Promise<void>,
): Promise<void> {
  const environment = createTestEnvironment();
  await using broker = await memoryBroker().open(environment);
  const streams = broker.streams!;
  await streams.ensureStream({ name: "s", partitions: PARTITIONS });
  await run(streams, environment);
}

async function append(streams: Streams, partition: number, ...values: string[]): Promise<void> {
  const messages = values.map((value) => ({
    key: null,
    headers: [],
    value: new TextEncoder().encode(value),
  }));
  valuesOf(await streams.append("s", messages, { partition }));
}

const everything = Array.from({ length: PARTITIONS }, (_, partition) => ({ partition, offset: 0 }));
const never = new AbortController().signal;
const text = ({ value }: StreamRecord): string => new TextDecoder().decode(value ?? undefined);

test("a bounded read gives all partitions in the order of appending", () =>
  withStreams(async (streams, { clock }) => {
    const expected: string[] = [];
    for (let i = 0; i < 900; i++) {
      await clock.advance(1);
      await append(streams, (i * 7) % PARTITIONS, String(i));
      expected.push(String(i));
    }
    const seen: string[] = [];
    const options = { from: everything, follow: false, signal: never };
    for await (const record of mergePartitions(streams, "s", options)) seen.push(text(record));
    assert.deepEqual(seen, expected);
  }));

test("a following read gives what there is, however long other partitions are silent", () =>
  withStreams(async (streams) => {
    await append(streams, 1, "a", "b");
    const stop = new AbortController();
    const seen: string[] = [];
    const options = { from: everything, follow: true, signal: stop.signal };
    for await (const record of mergePartitions(streams, "s", options)) {
      seen.push(text(record));
      if (seen.length === 2) await append(streams, 2, "c");
      if (seen.length === 3) await append(streams, 0, "d");
      if (seen.length === 4) stop.abort();
    }
    assert.deepEqual(seen, ["a", "b", "c", "d"]);
  }));

test("an abort ends a read that waits at the end", () =>
  withStreams(async (streams) => {
    const stop = new AbortController();
    const options = { from: everything, follow: true, signal: stop.signal };
    const waiting = mergePartitions(streams, "s", options).next();
    stop.abort();
    assert.equal((await waiting).done, true);
  }));

test("a partition that fails ends the read with its error, and the others are let go", () =>
  withStreams(async (streams) => {
    await append(streams, 0, "a");
    const open = new Set<number>();
    const watched: Pick<Streams, "read"> = {
      async *read(stream: string, options: ReadOptions) {
        open.add(options.partition);
        try {
          yield* streams.read(stream, options);
        } finally {
          open.delete(options.partition);
        }
      },
    };
    const from = [...everything.slice(0, 2), { partition: 2, offset: 99 }];
    const read = mergePartitions(watched, "s", { from, follow: true, signal: never });
    await assert.rejects(
      async () => {
        for await (const _ of read);
      },
      (error) => isMillraceError(error, "OFFSET_OUT_OF_RANGE"),
    );
    assert.deepEqual([...open], []);
  }));

test("batches are fetched as they are used up, one a partition at a time", () =>
  withStreams(async (streams) => {
    const values = Array.from({ length: 2_000 }, String);
    for (const { partition } of everything) await append(streams, partition, ...values);
    let fetched = 0;
    const counted: Pick<Streams, "read"> = {
      async *read(stream: string, options: ReadOptions) {
        for await (const batch of streams.read(stream, options)) {
          fetched += batch.length;
          yield batch;
        }
      },
    };
    const read = mergePartitions(counted, "s", { from: everything, follow: false, signal: never });
    await read.next();
    assert.ok(
      fetched > 0 && fetched <= PARTITIONS * 256,
      `${fetched} records were fetched for one`,
    );
    await read.return();
  }));
