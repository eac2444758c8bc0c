import assert from "node:assert/strict";
import { test } from "node:test";
import { isMillraceError } from "../../model/errors.ts";
import { valuesOf } from "../../model/outcome.ts";
import { createTestEnvironment } from "../../testing/environment.ts";
import { DIRECTORY, message, openTestBroker, takeGroup, textOf } from "../broker-stage.test.ts";
import { repairOn } from "../repair.ts";

const code = (wanted: string) => (error: unknown) =>
  isMillraceError(error) && error.code === wanted;

// proves: delete-on-consume
test("sent messages survive a crash, accepted ones never come back", async () => {
  await using stage = await openTestBroker();
  await stage.queues.ensureQueue({ name: "q" });
  await stage.queues.send(
    "q",
    ["a", "b", "c"].map((text) => ({ message: message(text) })),
  );
  const leases = await takeGroup(stage.queues, "q");
  valuesOf(await stage.queues.accept(leases.slice(0, 1)));
  await stage.crash();
  const info = await stage.queues.describeQueue("q");
  assert.equal(info.waiting, 2);
  const again = await takeGroup(stage.queues, "q");
  assert.deepEqual(
    again.map(({ message, attempt, sequence }) => [textOf(message), attempt, sequence]),
    [
      ["b", 2, leases[1]!.sequence],
      ["c", 2, leases[2]!.sequence],
    ],
  );
});

test("a send of more than one batch's bytes is taken whole and in order", async () => {
  await using stage = await openTestBroker();
  await stage.queues.ensureQueue({ name: "q" });
  const texts = Array.from({ length: 10_000 }, (_, index) => `${index}`.padEnd(1024));
  valuesOf(
    await stage.queues.send(
      "q",
      texts.map((text) => ({ message: message(text) })),
    ),
  );
  await stage.crash();
  assert.equal((await stage.queues.describeQueue("q")).waiting, 10_000);
  const found: string[] = [];
  while (found.length < texts.length) {
    const leases = await takeGroup(stage.queues, "q", 1000);
    found.push(...leases.map(({ message }) => textOf(message)));
    valuesOf(await stage.queues.accept(leases));
  }
  assert.deepEqual(found, texts);
});

// proves: acknowledgement
test("a message that takes the process with it on each delivery reaches the dead letters", async () => {
  await using stage = await openTestBroker();
  await stage.queues.ensureQueue({ name: "q", attempts: 3 });
  await stage.queues.send("q", [{ message: message("bomb") }, { message: message("good") }]);
  const attempts: number[] = [];
  for (let run = 0; run < 3; run++) {
    const [lease] = await takeGroup(stage.queues, "q", 1);
    assert.equal(textOf(lease!.message), "bomb");
    attempts.push(lease!.attempt);
    await stage.crash();
  }
  assert.deepEqual(attempts, [1, 2, 3]);
  const [letter] = await stage.queues.listDeadLetters("q");
  assert.equal(textOf(letter!.message), "bomb");
  assert.equal(letter!.cause.code, "LEASE_LOST");
  await stage.crash();
  assert.equal((await stage.queues.listDeadLetters("q")).length, 1);
  assert.equal(textOf((await takeGroup(stage.queues, "q"))[0]!.message), "good");
});

test("delays, attempts, dead letters, redrives and discards are the same after a crash", async () => {
  await using stage = await openTestBroker();
  await stage.queues.ensureQueue({ name: "q", attempts: 5 });
  const texts = ["late", "retry", "dead", "redriven", "discarded"];
  await stage.queues.send(
    "q",
    texts.map((text) => ({
      message: message(text),
      ...(text === "late" ? { delayMs: 60_000 } : {}),
    })),
  );
  for (const lease of await takeGroup(stage.queues, "q")) {
    if (textOf(lease.message) === "retry") await stage.queues.release(lease, { delayMs: 5_000 });
    else await stage.queues.reject(lease, { code: "Bad", message: textOf(lease.message) });
  }
  const letters = await stage.queues.listDeadLetters("q");
  const bySequence = new Map(letters.map((letter) => [textOf(letter.message), letter.sequence]));
  assert.equal(await stage.queues.redriveDeadLetters("q", [bySequence.get("redriven")!]), 1);
  assert.equal(await stage.queues.discardDeadLetters("q", [bySequence.get("discarded")!, 999]), 1);
  await stage.crash();
  const [letter, ...others] = await stage.queues.listDeadLetters("q");
  assert.deepEqual(others, []);
  assert.deepEqual(letter!.cause, { code: "Bad", message: "dead" });
  const [redriven] = await takeGroup(stage.queues, "q");
  assert.deepEqual([textOf(redriven!.message), redriven!.attempt], ["redriven", 1]);
  await stage.environment.clock.advance(5_000);
  const [retried] = await takeGroup(stage.queues, "q");
  assert.deepEqual([textOf(retried!.message), retried!.attempt], ["retry", 2]);
  await stage.environment.clock.advance(55_000);
  assert.equal(textOf((await takeGroup(stage.queues, "q"))[0]!.message), "late");
});

test("an id sent again after a restart is the same message, also when it was accepted before", async () => {
  await using stage = await openTestBroker();
  await stage.queues.ensureQueue({ name: "q", dedupe: { count: 100, ms: 60_000 } });
  const send = async () =>
    valuesOf(await stage.queues.send("q", [{ message: message("x", { id: "1" }) }]))[0]!;
  const first = await send();
  await stage.queues.accept(await takeGroup(stage.queues, "q"));
  await stage.crash();
  assert.deepEqual(await send(), { ...first, duplicate: true });
  await stage.restart();
  assert.deepEqual(await send(), { ...first, duplicate: true });
  await stage.environment.clock.advance(60_001);
  assert.equal((await send()).duplicate, false);
});

test("many waiting messages are held back in the log and come out in order, across restarts", async () => {
  await using stage = await openTestBroker();
  await stage.queues.ensureQueue({ name: "q", keyOrder: true });
  const total = 30_000;
  for (let from = 0; from < total; from += 5_000) {
    const items = Array.from({ length: 5_000 }, (_, n) => ({
      message: message(String(from + n), { key: `k${(from + n) % 5_000}` }),
    }));
    valuesOf(await stage.queues.send("q", items));
  }
  assert.equal((await stage.queues.describeQueue("q")).waiting, total);
  await stage.crash();
  assert.equal((await stage.queues.describeQueue("q")).waiting, total);
  let next = 0;
  const receiver = await stage.queues.receive("q", { credit: 2_500 });
  for await (const leases of receiver) {
    for (const lease of leases) assert.equal(textOf(lease.message), String(next++));
    valuesOf(await stage.queues.accept(leases));
    if (next === total) break;
  }
  assert.equal((await stage.queues.describeQueue("q")).waiting, 0);
});

test("a long-lived queue is trimmed while an old message still waits, and keeps that message", async () => {
  await using stage = await openTestBroker({ segmentBytesMax: 256 * 1024 });
  await stage.queues.ensureQueue({ name: "q" });
  await stage.queues.send("q", [{ message: message("old"), delayMs: 86_400_000 }]);
  const [dead] = await (async () => {
    await stage.queues.send("q", [{ message: message("dead") }]);
    return takeGroup(stage.queues, "q");
  })();
  await stage.queues.reject(dead!, { code: "E", message: "m" });
  const items = Array.from({ length: 5_000 }, () => ({ message: message("x".repeat(100)) }));
  for (let round = 0; round < 25; round++) {
    await stage.queues.send("q", items);
    await stage.queues.accept(await takeGroup(stage.queues, "q", 10_000));
  }
  await stage.environment.clock.settle();
  const bytes = [...stage.disk.files]
    .filter(([path]) => path.startsWith("/data/queues/"))
    .reduce((sum, [, contents]) => sum + contents.size, 0);
  assert.ok(bytes < 12_000_000, `${bytes} bytes of about 20,000,000 written`);
  await stage.crash();
  assert.equal(textOf((await stage.queues.listDeadLetters("q"))[0]!.message), "dead");
  await stage.environment.clock.advance(86_400_000);
  const [old] = await takeGroup(stage.queues, "q");
  assert.deepEqual([textOf(old!.message), old!.sequence], ["old", 0]);
});

test("acknowledgements pass on a full disk while sends are refused", async () => {
  await using stage = await openTestBroker({ freeBytesMin: 1_000_000 });
  await stage.queues.ensureQueue({ name: "q" });
  await stage.queues.send("q", [{ message: message("a") }, { message: message("b") }]);
  stage.disk.capacityBytes = stage.disk.usedBytes() + 500_000;
  await stage.environment.clock.advance(5_000);
  const codes: string[] = [];
  for (let n = 0; n < 4; n++) {
    const [outcome] = await stage.queues.send("q", [{ message: message("c") }]);
    if (!outcome!.ok) codes.push(outcome!.error.code);
    await stage.environment.clock.advance(1_000);
  }
  assert.ok(codes.includes("DISK_FULL"), codes.join());
  const leases = await takeGroup(stage.queues, "q", 2);
  valuesOf(await stage.queues.accept(leases));
  await stage.crash();
  assert.deepEqual(
    leases.map(({ message }) => textOf(message)),
    ["a", "b"],
  );
  assert.ok((await stage.queues.describeQueue("q")).waiting <= 4 - codes.length);
});

test("a disk that fills up in the middle of a write refuses the sends and loses nothing else", async () => {
  await using stage = await openTestBroker();
  await stage.queues.ensureQueue({ name: "q" });
  await stage.queues.send("q", [{ message: message("kept") }]);
  stage.disk.capacityBytes = stage.disk.usedBytes() + 100;
  const [outcome] = await stage.queues.send("q", [{ message: message("x".repeat(1_000)) }]);
  assert.equal(outcome!.ok ? "" : outcome!.error.code, "DISK_FULL");
  stage.disk.capacityBytes = Infinity;
  await stage.environment.clock.advance(1_000);
  const leases = await takeGroup(stage.queues, "q");
  assert.deepEqual(
    leases.map(({ message }) => textOf(message)),
    ["kept"],
  );
  valuesOf(await stage.queues.send("q", [{ message: message("later") }]));
  assert.equal(textOf((await takeGroup(stage.queues, "q"))[0]!.message), "later");
});

test("a deleted queue is gone with its files; its leases are lost", async () => {
  await using stage = await openTestBroker();
  await stage.queues.ensureQueue({ name: "q" });
  await stage.queues.send("q", [{ message: message("a") }]);
  const [lease] = await takeGroup(stage.queues, "q");
  await stage.queues.deleteQueue("q");
  await assert.rejects(stage.queues.release(lease!), code("LEASE_LOST"));
  await assert.rejects(stage.queues.describeQueue("q"), code("UNKNOWN_QUEUE"));
  assert.ok(![...stage.disk.files.keys()].some((path) => path.startsWith("/data/queues/")));
  await stage.crash();
  await stage.queues.ensureQueue({ name: "q" });
  assert.equal((await stage.queues.describeQueue("q")).waiting, 0);
});

test("a queue with damaged records is named and refused, and the rest of the broker goes on", async () => {
  await using stage = await openTestBroker();
  for (const name of ["bad", "good"]) {
    await stage.queues.ensureQueue({ name });
    for (const text of ["first", "second", "third"]) {
      valuesOf(await stage.queues.send(name, [{ message: message(text) }]));
    }
  }
  const [path] = [...stage.disk.files.keys()].filter((file) => /queues\/bad.*\.log$/.test(file));
  const { bytes } = stage.disk.files.get(path!)!;
  const at = Buffer.from(bytes).indexOf("second");
  assert.ok(at > 0);
  bytes[at]! ^= 0xff;
  await stage.crash();
  await assert.rejects(stage.queues.describeQueue("bad"), code("LOG_DAMAGED"));
  await assert.rejects(stage.queues.ensureQueue({ name: "bad" }), code("LOG_DAMAGED"));
  assert.equal((await takeGroup(stage.queues, "good")).length, 3);
  await stage.queues.deleteQueue("bad");
  assert.equal((await stage.queues.ensureQueue({ name: "bad" })).waiting, 0);
});

test("a damaged queue whose loss is accepted, as its error says, goes on with the messages that are left", async () => {
  await using stage = await openTestBroker();
  await stage.queues.ensureQueue({ name: "q" });
  for (const text of ["first", "second", "third"]) {
    valuesOf(await stage.queues.send("q", [{ message: message(text) }]));
  }
  const files = [...stage.disk.files.keys()].filter((file) => file.includes("queues/q/"));
  const { bytes } = stage.disk.files.get(files.find((file) => file.endsWith(".log"))!)!;
  bytes[Buffer.from(bytes).indexOf("second")]! ^= 0xff;
  await stage.crash();
  await assert.rejects(stage.queues.ensureQueue({ name: "q" }), {
    code: "LOG_DAMAGED",
    message: /^the queue q cannot be opened.*accept the loss \(millrace log repair\)/,
  });
  await stage.broker.close();
  const lost = { log: "queue q", partition: 0, offset: 1, nextOffset: 2 };
  const place = { directory: DIRECTORY, disk: stage.disk, lock: () => ({ release: () => {} }) };
  const [repaired] = await repairOn(createTestEnvironment(), place, {
    accept: [lost],
    dryRun: false,
  });
  assert.equal(repaired!.what, "the loss of queue q/0@1-1 is accepted");
  await stage.crash();
  valuesOf(await stage.queues.send("q", [{ message: message("fourth") }]));
  await stage.crash();
  const taken: string[] = [];
  while (taken.length < 3) {
    const leases = await takeGroup(stage.queues, "q");
    taken.push(...leases.map(({ message: each }) => textOf(each)));
    valuesOf(await stage.queues.accept(leases));
  }
  assert.deepEqual(taken, ["first", "third", "fourth"]);
  assert.equal((await stage.queues.describeQueue("q")).waiting, 0);
});
