import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import { test } from "node:test";
import { RequestLine, type Reply } from "./request-line.ts";

const LIMITS = { begunMax: 3, requestsMax: 5, requestBytesMax: 100 };

interface Bench {
  readonly line: RequestLine;
  readonly begun: string[];
  readonly sent: string[];
  mayBegin: boolean;
  readonly push: (
    name: string,
    options?: { overlaps?: boolean; parks?: boolean; bytes?: number },
  ) => void;
  readonly finish: (name: string, options?: { answered?: boolean }) => Promise<void>;
}

function createBench(): Bench {
  const begun: string[] = [];
  const sent: string[] = [];
  const running = new Map<string, (reply: Reply) => void>();
  const line = new RequestLine({
    ...LIMITS,
    mayBegin: () => bench.mayBegin,
    settled: (reply) => {
      if (reply !== undefined) sent.push(String(reply[0]));
    },
  });
  const bench: Bench = {
    line,
    begun,
    sent,
    mayBegin: true,
    push(name, { overlaps = false, parks = false, bytes = 1 } = {}) {
      const run = (): Promise<Reply> => {
        begun.push(name);
        return new Promise((resolve) => running.set(name, resolve));
      };
      line.push({ overlaps, parks, bytes, weight: 1, run });
    },
    async finish(name, { answered = true } = {}) {
      running.get(name)!(answered ? [Buffer.from(name)] : undefined);
      await turn();
    },
  };
  return bench;
}

test("produce requests are under way together, and answered in the order in which they came", async () => {
  const { line, begun, sent, push, finish } = createBench();
  for (const name of ["a", "b", "c", "d"]) push(name, { overlaps: true });
  assert.deepEqual(begun, ["a", "b", "c"]);
  await finish("c");
  await finish("b");
  assert.deepEqual(sent, []);
  await finish("a");
  assert.deepEqual(sent, ["a", "b", "c"]);
  assert.deepEqual(begun, ["a", "b", "c", "d"]);
  await finish("d");
  assert.ok(line.empty);
});

test("every other request waits for those before it, and those behind wait for it", async () => {
  const { begun, push, finish } = createBench();
  push("a", { overlaps: true });
  push("alone");
  push("b", { overlaps: true });
  assert.deepEqual(begun, ["a"]);
  await finish("a");
  assert.deepEqual(begun, ["a", "alone"]);
  await finish("alone");
  assert.deepEqual(begun, ["a", "alone", "b"]);
});

test("a request without an answer holds up nobody", async () => {
  const { sent, push, finish } = createBench();
  push("silent", { overlaps: true });
  push("b", { overlaps: true });
  await finish("b");
  await finish("silent", { answered: false });
  assert.deepEqual(sent, ["b"]);
});

test("the line is full by count or by bytes, and no longer when answers have left", async () => {
  const { line, push, finish } = createBench();
  push("large", { bytes: 100 });
  assert.ok(line.full);
  await finish("large");
  assert.ok(!line.full);
  for (const name of ["1", "2", "3", "4", "5"]) push(name);
  assert.ok(line.full);
});

test("nothing begins while it may not; a line that has ended answers nothing", async () => {
  const bench = createBench();
  const { line, begun, sent, push, finish } = bench;
  push("a");
  bench.mayBegin = false;
  push("b");
  await finish("a");
  assert.deepEqual([begun, sent], [["a"], ["a"]]);
  bench.mayBegin = true;
  line.proceed();
  assert.deepEqual(begun, ["a", "b"]);
  line.end();
  await finish("b");
  assert.deepEqual(sent, ["a"]);
});

test("a stop lets what has begun be answered, and waits for nobody who parks", async () => {
  const { line, begun, sent, push, finish } = createBench();
  push("a", { overlaps: true });
  push("b", { overlaps: true });
  push("behind");
  let stopped = false;
  const stopping = line.stop().then(() => (stopped = true));
  await finish("b");
  assert.equal(stopped, false);
  await finish("a");
  await stopping;
  assert.deepEqual(
    [begun, sent],
    [
      ["a", "b"],
      ["a", "b"],
    ],
  );
  assert.equal(line.bytes, 0);

  const parked = createBench();
  parked.push("waiting", { parks: true });
  await parked.line.stop();
  assert.deepEqual(parked.begun, ["waiting"]);
});
