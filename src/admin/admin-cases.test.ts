/**
 * What every implementation of the admin API does, as one body of cases: `create-admin.test.ts` runs
 * it in process, `../http/client.test.ts` through a real door on a real socket. A caller cannot tell
 * them apart.
 */

import assert from "node:assert/strict";
import { isMillraceError, type ErrorCode } from "../model/errors.ts";
import { valuesOf } from "../model/outcome.ts";
import type { Admin, PublishRequest, ShownRecord } from "./admin.ts";
import { deadLetter, openStage, placed, type Stage } from "./shop-stage.test.ts";

export interface AdminCase {
  readonly title: string;
  readonly run: (admin: Admin, stage: Stage) => Promise<void>;
}

/** Opens a stage, and an implementation on it, for each case. */
export async function runCase(
  { run }: AdminCase,
  open: (stage: Stage) => Promise<Admin & AsyncDisposable>,
): Promise<void> {
  await using stage = await openStage();
  await using admin = await open(stage);
  await run(admin, stage);
}

const order = (orderId: string, total = 1): PublishRequest => ({
  type: "order.placed",
  dataJson: JSON.stringify({ orderId, total }),
});

async function all(records: AsyncIterable<ShownRecord>): Promise<ShownRecord[]> {
  const found: ShownRecord[] = [];
  for await (const record of records) found.push(record);
  return found;
}

async function refused(work: Promise<unknown>, code: ErrorCode, says: RegExp): Promise<void> {
  await assert.rejects(work, (error) => {
    assert.ok(
      isMillraceError(error, code),
      `${code} was expected, and this came: ${String(error)}`,
    );
    assert.match(error.message, says);
    return true;
  });
}

export const ADMIN_CASES: readonly AdminCase[] = [
  {
    title: "what is published is read back with its envelope and its own digits",
    async run(admin) {
      const dataJson = '{"orderId": "o1",\n "cents": 9007199254740993}';
      const [paid] = valuesOf(
        await admin.publish([
          { type: "order.paid", dataJson, id: "e-1", time: 5, actor: "ann", correlation: "c-1" },
        ]),
      );
      assert.deepEqual(paid?.target, { kind: "stream", name: "orders" });
      const [record, ...more] = await all(admin.read("orders", { from: "start" }));
      assert.deepEqual(more, []);
      assert.equal(record?.dataJson, '{"orderId": "o1",  "cents": 9007199254740993}');
      assert.equal(record?.key, "o1");
      assert.deepEqual(record?.envelope, {
        id: "e-1",
        type: "order.paid",
        kind: "event",
        version: 1,
        source: "admin",
        key: "o1",
        time: 5,
        actor: "ann",
        correlation: "c-1",
      });
    },
  },
  // proves: envelope
  {
    title: "items of one publish fail one by one, each with what is wrong and the next step",
    async run(admin) {
      const outcomes = await admin.publish([
        order("o1"),
        { type: "order.placed", dataJson: '{"orderId":"o2","total":"five"}' },
        { type: "order.placed", dataJson: '{"orderId":' },
        { type: "order.plased", dataJson: "{}" },
        { type: "order.placed", dataJson: "{}", to: { kind: "stream", name: "no-such" } },
        { type: "other", dataJson: "{}", to: { kind: "stream", name: "orders" } },
        { type: "order.placed", id: "", dataJson: '{"orderId":"o2","total":1}' },
        { type: "order.placed", key: "o3", dataJson: '{"orderId":"o2","total":1}' },
        { type: "order.placed", kind: "command", dataJson: '{"orderId":"o2","total":1}' },
        { type: "order.placed", version: 7, dataJson: '{"orderId":"o2","total":1}' },
        { type: "order.placed", dataJson: `{"orderId":"${"x".repeat(2 ** 20)}","total":1}` },
        order("o4"),
      ]);
      const codes = outcomes.map((outcome) => (outcome.ok ? "ok" : outcome.error.code));
      assert.deepEqual(codes, [
        "ok",
        "BAD_PAYLOAD",
        "BAD_JSON",
        "UNKNOWN_TYPE",
        "BAD_PAYLOAD",
        "UNKNOWN_TYPE",
        "BAD_ENVELOPE",
        "BAD_ENVELOPE",
        "BAD_ENVELOPE",
        "UNKNOWN_VERSION",
        "TOO_LARGE",
        "ok",
      ]);
      const texts = outcomes.map((outcome) => (outcome.ok ? "" : outcome.error.message));
      assert.match(texts[1]!, /total/);
      assert.match(texts[3]!, /order\.placed/);
      assert.match(texts[5]!, /carries order\.placed, order\.paid/);
      assert.match(texts[6]!, /id is missing/);
      assert.match(texts[7]!, /leave the key out/);
      assert.match(texts[10]!, /at most 1048576/);
      const records = await all(admin.read("orders", { from: "start" }));
      assert.deepEqual(new Set(records.map((record) => record.key)), new Set(["o1", "o4"]));
      assert.equal(records.length, 2);
    },
  },
  {
    title: "a command goes to its queue, and an undeclared type where it is told",
    async run(admin, { queues }) {
      const [sent, event] = valuesOf(
        await admin.publish([
          { type: "order.place", dataJson: '{"orderId":"o1"}' },
          { type: "thing.seen", key: "k", dataJson: "1", to: { kind: "stream", name: "attic" } },
        ]),
      );
      assert.deepEqual(sent?.target, { kind: "queue", name: "order-desk" });
      assert.equal((await queues.describeQueue("order-desk")).waiting, 1);
      assert.deepEqual([event?.partition, event?.offset], [0, 0]);
    },
  },
  {
    title: "the same id twice counts once",
    async run(admin) {
      const twice = { ...order("o1"), id: "e-1" };
      const [first] = valuesOf(await admin.publish([twice]));
      const [second] = valuesOf(await admin.publish([twice]));
      assert.deepEqual([first?.duplicate, second?.duplicate], [false, true]);
      assert.equal(second?.offset, first?.offset);
      assert.equal((await all(admin.read("orders", { from: "start" }))).length, 1);
    },
  },
  {
    // proves: immutable-events
    title: "a correction is an event of its own that names the one it corrects, which stays",
    async run(admin) {
      const [wrong] = valuesOf(await admin.publish([order("o1", 50)]));
      await admin.publish([{ ...order("o1", 5), corrects: wrong!.id }]);
      const records = await all(admin.read("orders", { from: "start" }));
      assert.deepEqual(
        records.map(({ envelope, dataJson }) => [envelope?.corrects, dataJson]),
        [
          [undefined, '{"orderId":"o1","total":50}'],
          [wrong!.id, '{"orderId":"o1","total":5}'],
        ],
      );
    },
  },
  {
    title: "a read starts where the expression says and takes only what is asked for",
    async run(admin, { environment }) {
      const requests = Array.from({ length: 20 }, (_, i) => order(`o${i % 4}`, i));
      await admin.publish(requests.slice(0, 12));
      await environment.clock.advance(60_000);
      const moment = new Date(environment.clock.now()).toISOString();
      await admin.publish(requests.slice(12));
      await admin.publish([{ type: "order.paid", dataJson: '{"orderId":"o1","cents":1}' }]);

      const everything = await all(admin.read("orders", { from: "start" }));
      assert.equal(everything.length, 21);
      assert.deepEqual(await all(admin.read("orders", { from: "end" })), []);
      assert.equal((await all(admin.read("orders", { from: `@${moment}` }))).length, 9);
      assert.equal((await all(admin.read("orders", { from: "start", limit: 5 }))).length, 5);
      const one = await all(admin.read("orders", { from: "-2", partition: 1 }));
      assert.deepEqual(one, everything.filter(({ partition }) => partition === 1).slice(-2));
      const skipped = await all(admin.read("orders", { from: "+1", partition: 0 }));
      assert.deepEqual(skipped, everything.filter(({ partition }) => partition === 0).slice(1));
      assert.equal((await all(admin.read("orders", { from: "start", key: "o1" }))).length, 6);
      const paid = await all(admin.read("orders", { from: "start", types: ["order.paid"] }));
      assert.deepEqual(
        paid.map(({ envelope }) => envelope?.type),
        ["order.paid"],
      );
      const both = await all(admin.read("orders", { from: "start", types: ["order.*"] }));
      assert.equal(both.length, 21);

      const located = await admin.locate("orders", "-1");
      const text = located.map(({ partition, offset }) => `${partition}:${offset}`).join(",");
      assert.equal((await all(admin.read("orders", { from: text }))).length, 2);
    },
  },
  {
    title: "what cannot be read is refused with the limits",
    async run(admin) {
      await admin.publish([order("o1")]);
      const first = async (stream: string, from: string, partition?: number): Promise<unknown> =>
        all(admin.read(stream, { from, ...(partition !== undefined && { partition }) }));
      await refused(first("no-such", "start"), "UNKNOWN_STREAM", /no-such/);
      await refused(first("..", "start"), "UNKNOWN_STREAM", /\.\./);
      await refused(first("orders", "yesterday"), "BAD_ARGUMENT", /@2026-01-01T00:00/);
      await refused(first("orders", "start", 9), "BAD_ARGUMENT", /has 2, counted from 0/);
      await refused(first("orders", "99", 0), "OFFSET_OUT_OF_RANGE", /beyond/);
    },
  },
  {
    title: "a read that follows shows what comes, until it is told to stop",
    async run(admin) {
      await admin.publish([order("o1")]);
      const stop = new AbortController();
      const seen: (string | undefined)[] = [];
      for await (const { key } of admin.read("orders", {
        from: "start",
        follow: true,
        signal: stop.signal,
      })) {
        seen.push(key);
        if (seen.length < 6) await admin.publish([order(`o${seen.length + 1}`)]);
        else stop.abort();
      }
      assert.deepEqual(seen, ["o1", "o2", "o3", "o4", "o5", "o6"]);
    },
  },
  {
    title: "what is no message is shown with its bytes and the reason",
    async run(admin, { streams }) {
      const bytes = new Uint8Array([0xff, 0x00]);
      valuesOf(
        await streams.append("attic", [
          { key: bytes, headers: [["x", bytes]], value: bytes },
          placed("e-1", "o1", "{not json"),
        ]),
      );
      const [stranger, broken] = await all(admin.read("attic", { from: "start" }));
      assert.equal(stranger?.undecodable?.code, "BAD_ENVELOPE");
      assert.equal(stranger?.undecodable?.valueBase64, "/wA=");
      assert.deepEqual(stranger?.undecodable?.headers, [["x", "base64:/wA="]]);
      assert.equal(stranger?.key, "base64:/wA=");
      assert.equal(broken?.envelope?.id, "e-1");
      assert.equal(broken?.undecodable?.code, "BAD_JSON");
      assert.equal(broken?.dataJson, undefined);
    },
  },
  {
    title: "streams, queues, services and their lag can be looked at",
    async run(admin, { streams, queues }) {
      await admin.publish([
        order("o1"),
        order("o2"),
        { type: "order.place", dataJson: '{"orderId":"o1"}' },
      ]);
      assert.deepEqual(
        (await admin.listStreams()).map(({ spec }) => spec.name),
        ["attic", "orders"],
      );
      assert.deepEqual(
        await admin.describeStream("orders"),
        await streams.describeStream("orders"),
      );
      assert.deepEqual(await admin.listQueues(), await queues.listQueues());
      assert.equal((await admin.describeQueue("order-desk")).waiting, 1);
      const { services } = await admin.describe();
      assert.deepEqual(services[0]?.parts[1], {
        name: "order-totals",
        kind: "view",
        from: [{ kind: "stream", name: "orders", types: ["order.placed", "order.paid"] }],
        readsEventsOf: [],
        publishes: [],
        sends: [],
        index: ["status", "total"],
      });
      const rows = await admin.lag();
      assert.deepEqual(
        rows.map(({ part, input }) => `${part} ${input}`),
        ["order-totals orders/0", "order-totals orders/1", "totals orders/0", "totals orders/1"],
      );
      assert.equal(rows[0]!.lag + rows[1]!.lag, 2);
      assert.deepEqual([rows[2]!.position, rows[2]!.parked], [2, 2]);
      await refused(admin.describeQueue("no-such"), "UNKNOWN_QUEUE", /no-such/);
      await refused(admin.describeGroup("no-such"), "UNKNOWN_GROUP", /no-such/);
    },
  },
  {
    title: "documents are found by id and by their indexed fields, digit by digit",
    async run(admin) {
      assert.deepEqual(await admin.get("order-totals", "o9"), {
        id: "o9",
        dataJson: '{"total":12345678901234567890,"status":"open"}',
      });
      assert.equal(await admin.get("order-totals", "o2"), undefined);
      assert.equal(
        (await admin.get("shop.order-totals", ".."))?.dataJson,
        '{"total":0, "status":"open"}',
      );
      await refused(admin.get("no-such", "o1"), "UNKNOWN_VIEW", /there are shop\.order-totals/);

      const query = { where: { status: "open", total: { gte: 5 } }, order: "-total", limit: 1 };
      const first = await admin.find("order-totals", query);
      assert.deepEqual(
        first.documents.map(({ id }) => id),
        ["o9"],
      );
      const second = await admin.find("order-totals", { ...query, after: first.next! });
      assert.deepEqual(second, {
        documents: [{ id: "o1", dataJson: '{"total":5,"status":"open"}' }],
      });
      const unknown = admin.find("order-totals", { where: { colour: 1 } });
      await refused(unknown, "BAD_ARGUMENT", /^"colour" is not indexed, .* id, status, total;/);
    },
  },
  {
    title:
      "a part that does not run is moved in its store, and only after the dry run said where to",
    async run(admin, { store, streams }) {
      await admin.publish(Array.from({ length: 12 }, (_, i) => order(`o${i}`)));
      const { partitions, cluster, incarnation } = await streams.describeStream("orders");
      const ends = partitions.map(({ end }) => end);
      const options = { group: "shop.order-totals", stream: "orders", to: "end" };
      const planned = await admin.seek({ ...options, dryRun: true });
      assert.deepEqual(planned, [
        { partition: 0, after: ends[0] },
        { partition: 1, after: ends[1] },
      ]);
      const untouched = await store.readProgress("order-totals/1", "orders/0");
      assert.equal(untouched.progress, undefined);
      assert.deepEqual(await admin.seek(options), planned);
      const { progress } = await store.readProgress("order-totals/1", "orders/0");
      assert.deepEqual(
        [progress?.position, progress?.log],
        [ends[0], `${cluster}/orders/${incarnation}`],
      );
      const back = await admin.seek({ ...options, to: "0", partition: 1 });
      assert.deepEqual(back, [{ partition: 1, before: ends[1], after: 0 }]);
      await refused(admin.seek({ ...options, stream: "attic" }), "BAD_ARGUMENT", /does not read/);
      await refused(admin.seek({ ...options, to: "9999" }), "OFFSET_OUT_OF_RANGE", /beyond/);
      await refused(admin.seek({ ...options, group: "no-such" }), "UNKNOWN_GROUP", /no-such/);
    },
  },
  {
    title: "a group without members is moved, one with members is refused",
    async run(admin, { streams }) {
      await admin.publish(Array.from({ length: 12 }, (_, i) => order(`o${i}`)));
      const owned: number[] = [];
      const enough = Promise.withResolvers<void>();
      const member = await streams.joinGroup({
        group: "readers",
        streams: ["orders"],
        member: "m-1",
        async run(partition) {
          await partition.commit(1);
          if (owned.push(partition.partition) === 2) enough.resolve();
          await new Promise((resolve) => partition.revoked.addEventListener("abort", resolve));
        },
      });
      await enough.promise;
      const seek = { group: "readers", stream: "orders", to: "+2" };
      await refused(admin.seek(seek), "FENCED", /readers/);
      await member.close();
      assert.deepEqual(await admin.seek(seek), [
        { partition: 0, before: 1, after: 3 },
        { partition: 1, before: 1, after: 3 },
      ]);
      const { positions } = await admin.describeGroup("readers");
      assert.deepEqual(
        positions.map(({ committed }) => committed),
        [3, 3],
      );
      assert.equal((await admin.listGroups()).length, 1);
    },
  },
  {
    title: "failures of queues and stores stand in one list and are repaired by their references",
    async run(admin, stage) {
      const sequence = await deadLetter(stage, placed("e-9", "o9", '{"orderId":"o9"}'));
      const failures = await admin.listFailures();
      assert.deepEqual(
        failures.map(({ ref, waiting }) => [ref, waiting]),
        [
          [`q:order-desk:${sequence}`, false],
          ["s:shop:totals:1", false],
          ["s:shop:totals:2", true],
        ],
      );
      assert.deepEqual(await admin.listFailures({ after: failures[0]!.ref, limit: 1 }), [
        failures[1],
      ]);
      assert.equal((await admin.listFailures({ queue: "order-desk" })).length, 1);
      assert.equal((await admin.listFailures({ part: "shop.totals" })).length, 2);
      const [dead, parked] = await Promise.all([
        admin.showFailure(`q:order-desk:${sequence}`),
        admin.showFailure("s:shop:totals:1"),
      ]);
      assert.deepEqual(dead.cause, { code: "BUG", message: "no desk" });
      assert.equal(dead.envelope?.id, "e-9");
      assert.equal(parked.cause?.stack, "TypeError: no such order");
      assert.equal(parked.dataJson, '{"orderId":"o7","total":1}');
      assert.equal(parked.attempts, 5);

      const both = [dead.ref, parked.ref];
      assert.deepEqual(await admin.redrive(both, { dryRun: true }), { count: 3 });
      await refused(admin.redrive([dead.ref, "q:order-desk:999"]), "UNKNOWN_DEAD_LETTER", /999/);
      assert.equal((await stage.queues.describeQueue("order-desk")).deadLetters, 1);
      assert.deepEqual(await admin.redrive(both), { count: 3 });
      assert.equal((await stage.queues.describeQueue("order-desk")).waiting, 1);
      assert.deepEqual(
        (await admin.listFailures()).map(({ redriving }) => redriving),
        [true, true],
      );
    },
  },
  {
    title: "failures are discarded by queue, by part or all of them, and nothing else",
    async run(admin, stage) {
      await deadLetter(stage, placed("e-8", "o8", '{"orderId":"o8"}'));
      assert.deepEqual(await admin.discard({}, { dryRun: true }), { count: 3 });
      assert.deepEqual(await admin.discard({ queue: "order-desk" }), { count: 1 });
      assert.deepEqual(await admin.discard({ part: "shop.order-totals" }), { count: 0 });
      assert.deepEqual(await admin.discard({}), { count: 2 });
      assert.deepEqual(await admin.listFailures(), []);
      await refused(admin.showFailure("s:shop:totals:1"), "UNKNOWN_DEAD_LETTER", /s:shop:totals:1/);
      await refused(admin.showFailure("totals"), "BAD_ARGUMENT", /q:order-desk:17/);
      await refused(admin.listFailures({ part: "shop.none" }), "BAD_ARGUMENT", /service\.part/);
      await refused(admin.listFailures({ queue: "none" }), "UNKNOWN_QUEUE", /none/);
    },
  },
  {
    title: "what a part of an earlier release left parked is shown and repaired like the rest",
    async run(admin, { store }) {
      const cause = { kind: "bug", code: "E", message: "m", attempts: 1 } as const;
      const incoming = { id: "old", offset: 0 };
      const message = placed("old", "o1", '{"orderId":"o1","total":1}');
      await store.apply({
        input: { consumer: "gone.v1", input: "orders/0", epoch: 1, log: "c/orders/i" },
        sets: [
          { key: "o1", finishes: [incoming], park: [{ key: "o1", incoming, message, cause }] },
        ],
      });
      const left = (await admin.listFailures()).at(-1);
      assert.equal(left?.ref, "s:shop:gone.v1:3");
      await refused(admin.showFailure("s:shop:totals:3"), "UNKNOWN_DEAD_LETTER", /totals:3/);
      assert.deepEqual(await admin.discard([left.ref]), { count: 1 });
      assert.equal((await admin.listFailures()).length, 2);
    },
  },
];
