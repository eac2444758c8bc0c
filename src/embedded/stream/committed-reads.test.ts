import assert from "node:assert/strict";
import { test } from "node:test";
import type { StreamRecord } from "../../broker/streams.ts";
import { openTestEngine, type TestEngine } from "../engine-stage.test.ts";
import type { BatchLog } from "../log/batch-log.ts";
import { producedBatches } from "../log/producers/producer-stage.test.ts";

async function opened(stage: TestEngine): Promise<BatchLog> {
  const { incarnation } = await stage.streams.ensureStream({ name: "orders", partitions: 1 });
  return stage.engine.streamStorage.logsOf(incarnation)[0]!;
}

const valueOf = ({ value }: StreamRecord): string => Buffer.from(value!).toString();

async function readAll(
  { streams }: TestEngine,
  from: "earliest" | "latest" = "earliest",
): Promise<string[]> {
  const found: string[] = [];
  for await (const batch of streams.read("orders", { partition: 0, from })) {
    found.push(...batch.map(valueOf));
  }
  return found;
}

async function send(log: BatchLog, sequence: number, ...values: readonly string[]): Promise<void> {
  const made = { id: 1, sequence, transactional: true };
  await log.appendBatches(producedBatches(made, ...values)).durable;
}

const end = (log: BatchLog, kind: "abort" | "commit"): Promise<void> =>
  log.appendMarker({ producerId: 1, producerEpoch: 0, kind, coordinatorEpoch: 0 }).durable;

test("a service reads what Kafka clients have committed, and nothing else", async () => {
  await using stage = await openTestEngine();
  const log = await opened(stage);
  await send(log, 0, "a", "b");
  assert.deepEqual(await readAll(stage), []);
  await end(log, "commit");
  await send(log, 2, "c");
  await end(log, "abort");
  await send(log, 3, "d");
  assert.deepEqual(await readAll(stage), ["a", "b"]);
  await end(log, "commit");
  assert.deepEqual(await readAll(stage), ["a", "b", "d"]);
});

test("a reader that follows goes on over what it is not given", async () => {
  await using stage = await openTestEngine();
  const log = await opened(stage);
  const leaving = new AbortController();
  const found: string[] = [];
  const reading = (async (): Promise<void> => {
    const options = {
      partition: 0,
      from: "earliest",
      follow: true,
      signal: leaving.signal,
    } as const;
    for await (const batch of stage.streams.read("orders", options))
      found.push(...batch.map(valueOf));
  })().catch(() => undefined);
  for (let sequence = 0; sequence < 6; sequence++) {
    await send(log, sequence, `v${sequence}`);
    await end(log, sequence % 2 === 0 ? "abort" : "commit");
  }
  await stage.environment.clock.settle();
  leaving.abort();
  await reading;
  assert.deepEqual(found, ["v1", "v3", "v5"]);
});

test("a group that has read all that it is given has no lag, whatever trails it", async () => {
  await using stage = await openTestEngine();
  const { streams } = stage;
  const log = await opened(stage);
  await send(log, 0, "a");
  await end(log, "commit");
  await send(log, 1, "b");
  const lag = async (): Promise<readonly (number | undefined)[]> => {
    const { positions } = await streams.describeGroup("readers");
    return positions.map((position) => position.lag);
  };
  const member = await streams.joinGroup({
    group: "readers",
    streams: ["orders"],
    member: "one",
    run: async () => undefined,
  });
  await member.close();
  await streams.seekGroup("readers", "orders", 0, { offset: 0 });
  assert.deepEqual(await lag(), [1]);
  await streams.seekGroup("readers", "orders", 0, { offset: 1 });
  assert.deepEqual(await lag(), [0]);
  await streams.seekGroup("readers", "orders", 0, { offset: log.end });
  assert.deepEqual(await lag(), [0]);
  const [info] = (await streams.describeStream("orders")).partitions;
  assert.equal(info!.end, 1);
  assert.deepEqual(await readAll(stage, "latest"), []);
  await end(log, "commit");
  assert.deepEqual(await lag(), [0], "its position lies behind what has become visible");
  await assert.rejects(streams.seekGroup("readers", "orders", 0, { offset: log.end + 1 }), {
    code: "OFFSET_OUT_OF_RANGE",
  });
});
