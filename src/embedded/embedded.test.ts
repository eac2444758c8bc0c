import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { isMillraceError } from "../model/errors.ts";
import { createTestEnvironment } from "../testing/environment.ts";
import { embedded } from "./embedded.ts";
import { message, readAll, takeGroup, textOf } from "./broker-stage.test.ts";

const code = (wanted: string) => (error: unknown) =>
  isMillraceError(error) && error.code === wanted;

async function inDirectory(work: (directory: string) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "millrace-embedded-"));
  try {
    await work(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

test("an unknown setting and a value out of range are refused before anything is opened", () => {
  const wrong: object[] = [{ dir: "x" }, { directory: "" }, { segmentBytesMax: 1 }];
  for (const options of wrong) assert.throws(() => embedded(options), code("BAD_CONFIG"));
});

test("streams and queues on a real disk are found again by the next opening", async () => {
  await inDirectory(async (directory) => {
    const factory = embedded({ directory, freeBytesMin: 0 });
    {
      await using broker = await factory.open(createTestEnvironment());
      await broker.streams!.ensureStream({ name: "s", partitions: 1 });
      await broker.streams!.append("s", [message("event")]);
      await broker.queues!.ensureQueue({ name: "q" });
      await broker.queues!.send("q", [{ message: message("command") }]);
    }
    await using broker = await factory.open(createTestEnvironment());
    assert.deepEqual((await readAll(broker.streams!, "s")).map(textOf), ["event"]);
    const [lease] = await takeGroup(broker.queues!, "q");
    assert.equal(textOf(lease!.message), "command");
  });
});

test("a data directory in use is refused, and free again after close", async () => {
  await inDirectory(async (directory) => {
    const factory = embedded({ directory, freeBytesMin: 0 });
    const broker = await factory.open(createTestEnvironment());
    await assert.rejects(factory.open(createTestEnvironment()), code("DIRECTORY_IN_USE"));
    await Promise.all([broker.close(), broker.close()]);
    await (await factory.open(createTestEnvironment())).close();
  });
});
