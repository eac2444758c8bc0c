import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { isMillraceError } from "../model/errors.ts";
import { createTestEnvironment } from "../testing/environment.ts";
import { message, openTestBroker, readAll, takeGroup, textOf } from "./broker-stage.test.ts";
import { embedded, openEmbedded } from "./embedded.ts";
import { systemError } from "./log/disks/memory-disk.ts";
import { createMemoryDisk } from "./log/open-log.ts";
import { checkOptions } from "./options.ts";

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

test("an empty directory, and one that is missing, become data directories", async () => {
  await inDirectory(async (directory) => {
    for (const path of [directory, join(directory, "made", "on", "the", "way")]) {
      await using broker = await embedded({ directory: path, freeBytesMin: 0 }).open(
        createTestEnvironment(),
      );
      assert.deepEqual(await broker.streams!.listStreams(), []);
      assert.ok(existsSync(join(path, "millrace.json")));
    }
  });
});

test("a path that is a file, or leads through one, is refused and the file kept", async () => {
  await inDirectory(async (directory) => {
    const file = join(directory, "file");
    writeFileSync(file, "kept");
    for (const path of [file, join(file, "below")]) {
      await assert.rejects(
        embedded({ directory: path }).open(createTestEnvironment()),
        (error) =>
          isMillraceError(error, "DISK_FAILED") && /a file stands there/.test(error.message),
      );
    }
    assert.equal(readFileSync(file, "utf8"), "kept");
  });
});

test("a broker whose description is lost is refused, and goes on once it is restored", async () => {
  await inDirectory(async (directory) => {
    const factory = embedded({ directory, freeBytesMin: 0 });
    const description = join(directory, "millrace.json");
    {
      await using broker = await factory.open(createTestEnvironment());
      await broker.streams!.ensureStream({ name: "s", partitions: 1 });
      await broker.streams!.append("s", [message("event")]);
    }
    const text = readFileSync(description, "utf8");
    rmSync(description);
    await assert.rejects(factory.open(createTestEnvironment()), code("LOG_DAMAGED"));
    assert.equal(existsSync(description), false);
    writeFileSync(description, text);
    await using broker = await factory.open(createTestEnvironment());
    assert.deepEqual((await readAll(broker.streams!, "s")).map(textOf), ["event"]);
  });
});

test("what the operating system refuses is named with the directory and the remedy", async () => {
  const cases = [
    ["EACCES", "DISK_FAILED", /let the user of this process/],
    ["EROFS", "DISK_FAILED", /mount it for writing/],
    ["ENOSPC", "DISK_FULL", /free some space/],
    ["EIO", "DISK_FAILED", /see to the disk/],
  ] as const;
  for (const [reason, wanted, remedy] of cases) {
    for (const operation of ["makeDirectory", "open", "syncDirectory", "freeBytes"] as const) {
      const refuse = () => Promise.reject(systemError(reason, operation));
      const disk = { ...createMemoryDisk(), [operation]: refuse };
      const options = checkOptions({ directory: "/data", freeBytesMin: 0 });
      const lock = () => ({ release: () => undefined });
      await assert.rejects(openEmbedded(createTestEnvironment(), options, { disk, lock }), {
        code: wanted,
        message: remedy,
        details: { directory: "/data", reason },
      });
    }
  }
});

test("a stream or queue that cannot be made is refused with its directory and the remedy", async () => {
  let files = Number.POSITIVE_INFINITY;
  const memory = createMemoryDisk();
  const disk = {
    ...memory,
    open: (...how: Parameters<typeof memory.open>) =>
      files-- > 0 ? memory.open(...how) : Promise.reject(systemError("EMFILE", "open")),
  };
  const options = checkOptions({ directory: "/data", freeBytesMin: 0 });
  const lock = () => ({ release: () => undefined });
  await using broker = await openEmbedded(createTestEnvironment(), options, { disk, lock });
  files = 1;
  const refused = { code: "DISK_FAILED", message: /\/data\/(streams|queues)\/x\/.*ulimit -n/ };
  await assert.rejects(broker.streams!.ensureStream({ name: "x", partitions: 3 }), refused);
  await assert.rejects(broker.queues!.ensureQueue({ name: "x" }), refused);
});

test("contents without the state log that names them are refused, and left as they are", async () => {
  await inDirectory(async (directory) => {
    const factory = embedded({ directory, freeBytesMin: 0 });
    {
      await using broker = await factory.open(createTestEnvironment());
      await broker.queues!.ensureQueue({ name: "q" });
      await broker.queues!.send("q", [{ message: message("waits") }]);
    }
    const state = join(directory, "state");
    const kept = `${directory}.state`;
    renameSync(state, kept);
    for (let round = 0; round < 2; round++) {
      await assert.rejects(factory.open(createTestEnvironment()), {
        code: "LOG_DAMAGED",
        message: /queues.*state.*restore it from a backup/,
      });
    }
    rmSync(state, { recursive: true });
    renameSync(kept, state);
    await using broker = await factory.open(createTestEnvironment());
    assert.equal((await broker.queues!.describeQueue("q")).waiting, 1);
  });
});

test("a door on localhost tells clients an IPv4 address", async () => {
  await using local = await openTestBroker({ kafka: { port: 0, host: "localhost" } });
  const [address] = local.broker.addresses ?? [];
  assert.deepEqual([address?.protocol, address?.host], ["kafka", "127.0.0.1"]);
  assert.ok(address!.port > 0);
});
