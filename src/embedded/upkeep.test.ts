import assert from "node:assert/strict";
import { test } from "node:test";
import { isMillraceError } from "../model/errors.ts";
import { valuesOf } from "../model/outcome.ts";
import { message, openTestBroker, type TestBroker } from "./broker-stage.test.ts";

const MIB = 1024 * 1024;

async function append({ streams }: TestBroker): Promise<boolean> {
  try {
    valuesOf(await streams.append("s", [message("x".repeat(1_000))]));
    return true;
  } catch (error) {
    if (!isMillraceError(error, "DISK_FULL")) throw error;
    return false;
  }
}

for (const freeBytesMin of [0, MIB]) {
  test(`the use of the disk says that it is full as long as appends are refused, with a floor of ${freeBytesMin}`, async () => {
    await using stage = await openTestBroker({ freeBytesMin });
    await stage.streams.ensureStream({ name: "s", partitions: 1 });
    const isFull = async (): Promise<boolean> => (await stage.broker.upkeep!.diskUse()).full;
    assert.deepEqual([await append(stage), await isFull()], [true, false]);
    stage.disk.capacityBytes = stage.disk.usedBytes();
    await stage.environment.clock.advance(1_000);
    // The look at the free space comes with an append.
    for (let again = 0; again < 3; again++) await append(stage);
    assert.deepEqual([await append(stage), await isFull()], [false, true]);
    stage.disk.capacityBytes = Number.POSITIVE_INFINITY;
    await stage.environment.clock.advance(1_000);
    assert.equal(await isFull(), false, "also where nobody appends");
    assert.equal(await append(stage), true);
  });
}
