import assert from "node:assert/strict";
import { appendFile, mkdtemp, rename, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { z } from "zod";
import { structuredText } from "../../codecs/cloudevents-http-writer.ts";
import { isMillraceError, MillraceError } from "../../model/errors.ts";
import { stream } from "../../schema/channel.ts";
import { event } from "../../schema/message-type.ts";
import { openInbound, type InboundStage } from "../inbound-stage.test.ts";
import { CrashingDisk } from "./disk/crashing-disk.test.ts";
import { fileSource, type FileSourceOptions } from "./file-source.ts";

const Sold = event(
  "item.sold",
  z.object({
    sku: z.string(),
    count: z.int(),
    price: z.number().optional(),
    gift: z.boolean().optional(),
    note: z.string().optional(),
  }),
  { key: (item) => item.sku },
);
const sales = stream("sales", { Sold }, { partitions: 1 });
const PATH = "/in/sales";

type Options = Partial<FileSourceOptions<typeof sales>>;

async function read(stage: InboundStage, disk: CrashingDisk, options: Options = {}): Promise<void> {
  const source = fileSource("till", {
    path: PATH,
    format: "ndjson",
    to: sales,
    ...(options.map === undefined && { type: Sold }),
    disk,
    ...options,
  });
  const { environment, publish } = stage;
  const { signal } = new AbortController();
  await environment.clock.run(source.run({ environment, publish, signal }), { io });
}

const io = { stepMs: 1, turn: () => setImmediate() };

async function landedOf(stage: InboundStage): Promise<readonly unknown[]> {
  return (await stage.landed()).map(({ dataJson }) => JSON.parse(dataJson));
}

function line(sku: string, count: unknown = 1): string {
  return `${JSON.stringify({ sku, count })}\n`;
}

function diskWith(text: string): CrashingDisk {
  const disk = new CrashingDisk();
  disk.put(PATH, text);
  return disk;
}

function rejectedLines(
  disk: CrashingDisk,
): readonly { line: number; code: string; text: string }[] {
  const text = disk.text(`${PATH}.rejected`) ?? "";
  return text
    .split("\n")
    .filter(Boolean)
    .map((each) => JSON.parse(each));
}

test("each line of NDJSON is a message with an id of its line, stored as it stands", async () => {
  const stage = await openInbound(sales);
  await read(stage, diskWith('{"sku":"a","count":1}\r\n\n{"sku": "b","count":2.0}'));
  const landed = await stage.landed();
  assert.deepEqual(
    landed.map(({ dataJson }) => dataJson),
    ['{"sku":"a","count":1}', '{"sku": "b","count":2.0}'],
  );
  for (const [index, { envelope }] of landed.entries()) {
    assert.match(envelope.id, new RegExp(`^till/[0-9a-f]{16}/${[1, 3][index]}$`));
    assert.deepEqual(
      [envelope.type, envelope.source, envelope.key],
      ["item.sold", "till", "ab"[index]],
    );
  }
});

test("rows of CSV become what the schema says of each column, and digits stay as they are", async () => {
  const stage = await openInbound(sales);
  const csv = [
    "\uFEFFsku,count,price,gift,note",
    'a,1,12.50,true,"said ""hi"", twice"',
    'b,2,,,"two\r\nlines"',
    "00123,3,1e2,false,42",
  ].join("\r\n");
  await read(stage, diskWith(csv), { format: "csv" });
  assert.deepEqual(
    (await stage.landed()).map(({ dataJson }) => dataJson),
    [
      '{"sku":"a","count":1,"price":12.50,"gift":true,"note":"said \\"hi\\", twice"}',
      '{"sku":"b","count":2,"note":"two\\r\\nlines"}',
      '{"sku":"00123","count":3,"price":1e2,"gift":false,"note":"42"}',
    ],
  );
});

test("a map makes messages of rows and may pass lines over", async () => {
  const stage = await openInbound(sales);
  await read(stage, diskWith("article;,n\nx,3\ny,0\n"), {
    format: "csv",
    map: (row) =>
      row.n === "0" ? undefined : Sold({ sku: row["article;"], count: Number(row.n) }),
  });
  assert.deepEqual(await landedOf(stage), [{ sku: "x", count: 3 }]);
});

test("lines that are CloudEvents come in as they are", async () => {
  const stage = await openInbound(sales);
  const envelope = {
    id: "e1",
    type: "item.sold",
    kind: "event",
    version: 1,
    source: "branch-7",
    key: "a",
    time: Date.UTC(2026, 0, 31),
  } as const;
  const source = fileSource("till", {
    path: PATH,
    format: "ndjson",
    to: sales,
    disk: diskWith(`${structuredText(envelope, '{"sku":"a","count":1}')}\n`),
  });
  const { environment, publish } = stage;
  const run = source.run({ environment, publish, signal: new AbortController().signal });
  await environment.clock.run(run, { io });
  assert.deepEqual((await stage.landed())[0]?.envelope, envelope);
});

test("bad lines are set aside with their number and reason, and the others go on", async () => {
  const stage = await openInbound(sales);
  const disk = diskWith(
    `${line("a")}{\n${line("b", "many")}${line("c")}${"x".repeat(300)}\n${line("d")}`,
  );
  await read(stage, disk, { lineBytesMax: 200 });
  assert.deepEqual(
    (await landedOf(stage)).map((data: any) => data.sku),
    ["a", "c", "d"],
  );
  const rejected = rejectedLines(disk);
  assert.deepEqual(
    rejected.map((each) => [each.line, each.code]),
    [
      [2, "BAD_JSON"],
      [3, "BAD_PAYLOAD"],
      [5, "TOO_LARGE"],
    ],
  );
  assert.equal(rejected[0]!.text, "{");
});

test("rows with too few columns, stray quotes or bytes that are no text are bad lines", async () => {
  const stage = await openInbound(sales);
  const disk = diskWith('sku,count\na\nb,"1\nc"x,2\nd,4\n');
  await read(stage, disk, { format: "csv" });
  assert.deepEqual(
    rejectedLines(disk).map((each) => each.line),
    [2, 3],
  );
});

test("a bad line stops the source where that is asked for, and it goes on when it is corrected", async () => {
  const stage = await openInbound(sales);
  const disk = diskWith(`${line("a")}${line("b", "many")}${line("c")}`);
  await assert.rejects(
    read(stage, disk, { onBadLine: "stop" }),
    (error) =>
      isMillraceError(error, "BAD_PAYLOAD") &&
      /file source "till" stops at line 2 of \/in\/sales: .*count/.test(error.message),
  );
  disk.put(PATH, `${line("a")}${line("b", 2)}${line("c")}`);
  await read(stage, disk, { onBadLine: "stop" });
  const found = (await landedOf(stage)).map((data: any) => data.sku);
  assert.deepEqual(new Set(found), new Set(["a", "b", "c"]));
  assert.equal(found.length, 3);
});

test("a header that names a column twice, or not at all, stops the source", async () => {
  const stage = await openInbound(sales);
  for (const header of ["sku,sku", "sku,,count"]) {
    await assert.rejects(
      read(stage, diskWith(`${header}\na,b,c\n`), { format: "csv" }),
      (error) => isMillraceError(error, "BAD_MESSAGE") && /the header has/.test(error.message),
    );
  }
});

test("a restart goes on where it was, and an appended file is read from there", async () => {
  const stage = await openInbound(sales);
  const disk = diskWith(line("a") + line("b"));
  await read(stage, disk);
  disk.put(PATH, line("a") + line("b") + line("c"));
  let published = 0;
  const counting: InboundStage = {
    ...stage,
    publish: (messages) => {
      published += messages.length;
      return stage.publish(messages);
    },
  };
  await read(counting, disk);
  assert.equal(published, 1);
  assert.equal((await stage.landed()).length, 3);
});

test("ended at any step of the disk, killed or without power, each line counts once", async () => {
  const text = Array.from({ length: 40 }, (_, index) =>
    index % 7 === 3 ? `bad ${index}\n` : line(`s${index}`, index),
  ).join("");
  const whole = diskWith(text);
  await read(await openInbound(sales), whole);
  assert.ok(whole.steps >= 6, `${whole.steps} steps`);
  let compared = 0;
  for (const how of ["killed", "power cut"] as const) {
    for (let step = 1; step <= whole.steps; step++) {
      const stage = await openInbound(sales);
      const dying = diskWith(text).survivor("killed", step);
      await assert.rejects(read(stage, dying), /the process has ended/);
      const survivor = dying.survivor(how);
      await read(stage, survivor);
      const skus = (await landedOf(stage)).map((data: any) => data.sku);
      assert.equal(new Set(skus).size, 34);
      assert.equal(skus.length, 34, `${how} at step ${step}`);
      assert.deepEqual(survivor.text(`${PATH}.rejected`), whole.text(`${PATH}.rejected`));
      compared++;
    }
  }
  assert.ok(compared >= 12, `${compared} ends`);
});

test("a publish that fails is tried again later, and nothing is lost or passed over", async () => {
  const stage = await openInbound(sales);
  let failures = 3;
  const flaky: InboundStage = {
    ...stage,
    publish: async (messages) => {
      if (failures-- <= 0) return stage.publish(messages);
      return messages.map(() => ({ ok: false, error: new MillraceError("OVERLOADED", "full") }));
    },
  };
  await read(flaky, diskWith("sku,count\na,1\nb,2\n"), { format: "csv", poll: "2ms" });
  assert.deepEqual(await landedOf(stage), [
    { sku: "a", count: 1 },
    { sku: "b", count: 2 },
  ]);
});

test("a file that was cut or written anew is noticed, and its lines count as others", async () => {
  for (const text of [line("x"), line("x") + line("y") + line("z")]) {
    const stage = await openInbound(sales);
    const disk = diskWith(line("a") + line("b"));
    await read(stage, disk);
    disk.put(PATH, text);
    await read(stage, disk);
    const skus = (await landedOf(stage)).map((data: any) => data.sku);
    assert.deepEqual(skus, ["a", "b", ...text.match(/(?<="sku":")\w/g)!]);
    assert.ok(
      stage.environment.entries.some((entry) => entry.text === "a file is read from its start"),
    );
  }
});

test("a followed file of the real disk may grow, be rotated and be cut, and no line is lost", async () => {
  const folder = await mkdtemp(join(tmpdir(), "millrace-source-"));
  const path = join(folder, "sales.ndjson");
  const stage = await openInbound(sales);
  const { environment, publish } = stage;
  const stop = new AbortController();
  const source = fileSource("till", {
    path,
    format: "ndjson",
    to: sales,
    type: Sold,
    follow: true,
    poll: "10ms",
  });
  const run = source.run({ environment, publish, signal: stop.signal });
  const skus = async (): Promise<string[]> => (await landedOf(stage)).map((data: any) => data.sku);
  const until = async (count: number): Promise<void> => {
    while ((await skus()).length < count) {
      await environment.clock.advance(1);
      await setImmediate();
    }
  };
  try {
    await writeFile(path, line("a") + '{"sku":"b"');
    await until(1);
    await appendFile(path, `,"count":1}\n${line("c")}`);
    await until(3);
    await rename(path, `${path}.1`);
    await appendFile(`${path}.1`, line("d"));
    await writeFile(path, line("e"));
    await until(5);
    await truncate(path, 0);
    await until(5);
    for (let turn = 0; turn < 50; turn++) {
      await environment.clock.advance(1);
      await setImmediate();
    }
    await appendFile(path, line("f"));
    await until(6);
    assert.deepEqual(await skus(), ["a", "b", "c", "d", "e", "f"]);
  } finally {
    stop.abort();
    await environment.clock.run(run, { io });
    await rm(folder, { recursive: true });
  }
});

test("a file that is not there is an error, unless it is followed", async () => {
  const stage = await openInbound(sales);
  await assert.rejects(
    read(stage, new CrashingDisk()),
    (error) => isMillraceError(error, "NOT_FOUND") && error.message.includes(PATH),
  );
});

test("a position that is none is refused, and not taken for the start", async () => {
  const disk = diskWith(line("a"));
  disk.put(`${PATH}.position`, "{");
  await assert.rejects(read(await openInbound(sales), disk), (error) =>
    isMillraceError(error, "LOG_DAMAGED"),
  );
});

test("a declaration that does not say what its lines are is refused", () => {
  const wrong: [Record<string, unknown>, RegExp][] = [
    [{ path: "" }, /no path/],
    [{ format: "xml" }, /"ndjson" or "csv"/],
    [{ format: "csv", type: undefined }, /what its rows are/],
    [{ map: () => undefined }, /keep one/],
    [{ type: event("other", z.object({})) }, /does not carry/],
    [{ lineBytesMax: 0 }, /lineBytesMax/],
    [{ onBadLine: "ignore" }, /onBadLine/],
    [{ tail: true }, /unknown option/],
  ];
  for (const [more, expected] of wrong) {
    const options: any = { path: PATH, format: "ndjson", to: sales, type: Sold, ...more };
    assert.throws(
      () => fileSource("till", options),
      (error) => isMillraceError(error, "BAD_DECLARATION") && expected.test(error.message),
      String(expected),
    );
  }
});
