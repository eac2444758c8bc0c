import assert from "node:assert/strict";
import { test } from "node:test";
import type { Broker } from "../broker/broker.ts";
import type { Lease, Queues } from "../broker/queues.ts";
import type { AssignedPartition } from "../broker/streams.ts";
import { valuesOf } from "../model/outcome.ts";
import { createTestEnvironment } from "../testing/environment.ts";
import { message, readAll, takeGroup, textOf } from "./broker-stage.test.ts";
import { openEmbedded } from "./embedded.ts";
import { enumeratePowerCuts, PowerCutBroke, type PowerCutCounts } from "./log/disks/power-cut.ts";
import { oneOf, STATES_MIN } from "./log/disks/power-cut-stage.test.ts";
import { withoutSyncs } from "./log/disks/recording-disk.ts";
import { createMemoryDisk, type Disk, type MemoryDisk } from "./log/open-log.ts";
import { checkOptions } from "./options.ts";

/** What the broker was asked (`…ing`), and what it has answered or given out. */
type Note =
  | { readonly kind: "appending"; readonly text: string }
  | { readonly kind: "appended"; readonly text: string; readonly offset: number }
  | { readonly kind: "committing" | "committed"; readonly offset: number }
  | { readonly kind: "sending" | "sent" | "accepting" | "accepted"; readonly text: string }
  | { readonly kind: "leased"; readonly text: string; readonly attempt: number }
  | { readonly kind: "rejecting" | "rejected" | "redriving" | "redriven"; readonly text: string };

/** Segments of a few records, so that the runs roll and trim. */
const OPTIONS = {
  ...checkOptions({ directory: "/data", freeBytesMin: 0 }),
  segmentBytesMax: 700,
};
const DEDUPE = { count: 100, ms: 600_000 };
/** Halves of an entry or two, made at the first meeting. */
const journal = { halfBytes: 2048, groupBytesMax: 1024, makeAfter: 1 };
const lock = () => ({ release: () => {} });

async function open(disk: Disk): Promise<Broker> {
  return openEmbedded(createTestEnvironment(), OPTIONS, { disk, lock, journal });
}

async function prepare(broker: Broker): Promise<void> {
  await broker.streams!.ensureStream({ name: "s", partitions: 1, dedupe: DEDUPE });
  await broker.queues!.ensureQueue({ name: "q", attempts: 9, dedupe: DEDUPE });
}

/** A directory with an empty stream and an empty queue, closed. */
async function preparedDisk(): Promise<MemoryDisk> {
  const disk = createMemoryDisk();
  const broker = await open(disk);
  await prepare(broker);
  await broker.close();
  return disk;
}

const named = (text: string) => message(text, { key: text, id: text });

async function streamWork(broker: Broker, note: (note: Note) => void): Promise<void> {
  const streams = broker.streams!;
  const append = async (text: string): Promise<void> => {
    note({ kind: "appending", text });
    const [outcome] = await streams.append("s", [named(text)], { partition: 0 });
    note({ kind: "appended", text, offset: valuesOf([outcome!])[0]!.offset });
  };
  await append("a");
  await Promise.all(["b", "c", "b"].map(append));
  const given = Promise.withResolvers<AssignedPartition>();
  const member = await streams.joinGroup({
    group: "g",
    streams: ["s"],
    member: "m",
    run: async (assigned) => {
      if (assigned.partition === 0) given.resolve(assigned);
      await new Promise<void>((resolve) => {
        assigned.revoked.addEventListener("abort", () => resolve(), { once: true });
      });
    },
  });
  const assigned = await given.promise;
  for (const offset of [1, 3]) {
    note({ kind: "committing", offset });
    await assigned.commit(offset);
    note({ kind: "committed", offset });
  }
  await append("a");
  await member.close();
}

async function queueWork(broker: Broker, note: (note: Note) => void): Promise<void> {
  const queues = broker.queues!;
  const send = async (...texts: readonly string[]): Promise<void> => {
    for (const text of texts) note({ kind: "sending", text });
    valuesOf(
      await queues.send(
        "q",
        texts.map((text) => ({ message: named(text) })),
      ),
    );
    for (const text of texts) note({ kind: "sent", text });
  };
  const take = async (): Promise<readonly Lease[]> => {
    const leases = await takeGroup(queues, "q");
    for (const { message, attempt } of leases) {
      note({ kind: "leased", text: textOf(message), attempt });
    }
    return leases;
  };
  const accept = async (lease: Lease): Promise<void> => {
    const text = textOf(lease.message);
    note({ kind: "accepting", text });
    valuesOf(await queues.accept([lease]));
    note({ kind: "accepted", text });
  };
  await send("a", "b", "c");
  const [a, b, c] = await take();
  await Promise.all([accept(a!), queues.release(b!), send("d")]);
  note({ kind: "rejecting", text: "c" });
  await queues.reject(c!, { code: "E", message: "no" });
  note({ kind: "rejected", text: "c" });
  await send("a");
  const again = await take();
  await accept(again.find((lease) => textOf(lease.message) === "b")!);
  note({ kind: "redriving", text: "c" });
  await queues.redriveDeadLetters("q", "all");
  note({ kind: "redriven", text: "c" });
}

async function checkStream(broker: Broker, notes: readonly Note[]): Promise<void> {
  const records = await readAll(broker.streams!, "s");
  const found = records.map(textOf);
  assert.equal(new Set(found).size, found.length, "an id counts once");
  const asked = new Set(notes.flatMap((note) => (note.kind === "appending" ? [note.text] : [])));
  for (const text of found) assert.ok(asked.has(text), `${text} was never appended`);
  let committed = 0;
  let committing = 0;
  for (const note of notes) {
    if (note.kind === "appended") assert.equal(found[note.offset], note.text, "acknowledged");
    if (note.kind === "committed") committed = note.offset;
    if (note.kind === "committing") committing = note.offset;
  }
  const groups = await broker.streams!.listGroups();
  const position = groups[0]?.positions[0]?.committed ?? 0;
  assert.ok(position >= committed && position <= committing, `${committed} <= ${position}`);

  // What was acknowledged is still known as a repetition.
  const again = await broker.streams!.append("s", found.map(named), { partition: 0 });
  assert.ok(valuesOf(again).every(({ duplicate }) => duplicate));
}

async function checkQueue(queues: Queues, notes: readonly Note[]): Promise<void> {
  const attempts = new Map<string, number>();
  const present = new Set<string>();
  const uncertain = new Set<string>();
  const gone = new Set<string>();
  let dead: boolean | undefined = false;
  for (const note of notes) {
    switch (note.kind) {
      case "sending":
        uncertain.add(note.text);
        break;
      case "sent":
        present.add(note.text);
        break;
      case "leased":
        attempts.set(note.text, note.attempt);
        break;
      case "accepting":
        present.delete(note.text);
        break;
      case "accepted":
        gone.add(note.text);
        break;
      case "rejecting":
        dead = undefined;
        break;
      case "rejected":
        dead = true;
        break;
      case "redriving":
        dead = undefined;
        attempts.delete(note.text);
        break;
      case "redriven":
        dead = false;
        break;
      case "appending":
      case "appended":
      case "committing":
      case "committed":
    }
  }
  const letters = (await queues.listDeadLetters("q")).map((letter) => textOf(letter.message));
  if (dead !== undefined) assert.deepEqual(letters, dead ? ["c"] : []);
  const { waiting } = await queues.describeQueue("q");
  const leases: Lease[] = [];
  while (leases.length < waiting) leases.push(...(await takeGroup(queues, "q")));
  assert.equal((await queues.describeQueue("q")).waiting, 0);
  const found = [...letters, ...leases.map((lease) => textOf(lease.message))];
  assert.equal(new Set(found).size, found.length, "each message once");
  for (const text of found) {
    assert.ok(uncertain.has(text), `${text} was never sent`);
    assert.ok(!gone.has(text), `${text} was accepted`);
  }
  for (const text of present) {
    if (!gone.has(text)) assert.ok(found.includes(text), `${text} is lost`);
  }
  for (const { message, attempt } of leases) {
    const before = attempts.get(textOf(message)) ?? 0;
    assert.ok(attempt > before, `attempt ${attempt} of ${textOf(message)} after ${before}`);
  }
}

async function recovered(
  disk: MemoryDisk,
  check: (broker: Broker) => Promise<void>,
): Promise<void> {
  const environment = createTestEnvironment();
  const broker = await openEmbedded(environment, OPTIONS, { disk, lock, journal });
  await check(broker);
  // A cut end is what a power cut is expected to leave.
  const troubles = environment.entries.filter(
    ({ level, text }) =>
      (level === "error" || level === "warn") && !text.startsWith("cut the unfinished end"),
  );
  assert.deepEqual(troubles, []);
}

function report(name: string, { states, steps }: PowerCutCounts): void {
  console.log(`power cut, ${name}: ${states} states of ${steps} steps, nothing acknowledged lost`);
  assert.ok(states > STATES_MIN, `only ${states} states`);
}

test("a power cut while a directory, a stream and a queue are made leaves what can be opened", async () => {
  const counts = await enumeratePowerCuts<never>({
    stride: oneOf(13),
    async workload(disk) {
      const broker = await open(disk);
      await prepare(broker);
      await broker.close();
    },
    check: (disk) =>
      recovered(disk, async (broker) => {
        await prepare(broker);
        valuesOf(await broker.streams!.append("s", [message("x")]));
        assert.equal((await broker.queues!.listQueues()).length, 1);
      }),
  });
  report("making", counts);
});

test("a power cut while streams, or queues, are made side by side loses none that was acknowledged", async () => {
  const kinds = {
    streams: {
      make: ({ streams }: Broker, name: string) => streams!.ensureStream({ name, partitions: 1 }),
      list: async ({ streams }: Broker) => (await streams!.listStreams()).map(({ spec }) => spec),
    },
    queues: {
      make: ({ queues }: Broker, name: string) => queues!.ensureQueue({ name }),
      list: async ({ queues }: Broker) => (await queues!.listQueues()).map(({ spec }) => spec),
    },
  };
  for (const [kind, { make, list }] of Object.entries(kinds)) {
    const start = createMemoryDisk();
    await (await open(start)).close();
    const counts = await enumeratePowerCuts<string>({
      start,
      stride: oneOf(29, 7),
      async workload(disk, note) {
        const broker = await open(disk);
        await Promise.all(["a", "b"].map((name) => make(broker, name).then(() => note(name))));
      },
      check: (disk, made) =>
        recovered(disk, async (broker) => {
          const found = (await list(broker)).map(({ name }) => name);
          for (const name of made) assert.ok(found.includes(name), `${name} is gone`);
          await make(broker, "b");
        }),
    });
    report(`making ${kind} side by side`, counts);
  }
});

test("a power cut at any step loses no acknowledged event and no committed position", async () => {
  const start = await preparedDisk();
  const counts = await enumeratePowerCuts<Note>({
    start,
    stride: oneOf(13),
    async workload(disk, note) {
      const broker = await open(disk);
      await streamWork(broker, note);
      await broker.close();
    },
    check: (disk, notes) => recovered(disk, (broker) => checkStream(broker, notes)),
  });
  report("stream", counts);
});

test("a power cut at any step loses no sent message, returns no accepted one and forgets no attempt", async () => {
  const start = await preparedDisk();
  const counts = await enumeratePowerCuts<Note>({
    start,
    stride: oneOf(13),
    async workload(disk, note) {
      const broker = await open(disk);
      await queueWork(broker, note);
      await broker.close();
    },
    check: (disk, notes) => recovered(disk, (broker) => checkQueue(broker.queues!, notes)),
  });
  report("queue", counts);
});

test("control: without syncs a power cut breaks the queue's promises", async () => {
  const start = await preparedDisk();
  await assert.rejects(
    enumeratePowerCuts<Note>({
      start,
      async workload(disk, note) {
        const broker = await open(withoutSyncs(disk));
        await queueWork(broker, note);
      },
      check: (disk, notes) => recovered(disk, (broker) => checkQueue(broker.queues!, notes)),
    }),
    PowerCutBroke,
  );
});
