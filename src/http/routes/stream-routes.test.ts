import assert from "node:assert/strict";
import { test } from "node:test";
import type { Admin, ShownRecord } from "../../admin/admin.ts";
import { openStage, placed, type Stage } from "../../admin/shop-stage.test.ts";
import type { RawMessage } from "../../model/message.ts";
import { valuesOf } from "../../model/outcome.ts";
import { createDoor, type Door } from "../door.ts";
import { serve } from "../serving/serve.ts";

const TOKEN = "a-secret-of-some-length";
const headers = { authorization: `Bearer ${TOKEN}`, host: "localhost" };

function doorOf({ environment }: Stage, admin: Admin, stopping?: AbortSignal): Door {
  return createDoor({ admin, environment, token: TOKEN, ...(stopping && { stopping }) });
}

async function publish(stage: Stage, ...orderIds: readonly string[]): Promise<void> {
  valuesOf(
    await stage.admin.publish(
      orderIds.map((orderId) => ({
        type: "order.placed",
        dataJson: JSON.stringify({ orderId, total: 1 }),
      })),
    ),
  );
}

interface ServerSentEvent {
  readonly id?: string;
  readonly event?: string;
  readonly data?: string;
}

/** Reads events as the standard says: blocks of fields, ended by an empty line. */
async function* eventsOf(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerSentEvent> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of body) {
    const blocks = (rest + decoder.decode(chunk, { stream: true })).split("\n\n");
    rest = blocks.pop()!;
    for (const block of blocks) {
      yield Object.fromEntries(block.split("\n").map((line) => line.split(/: (.*)/).slice(0, 2)));
    }
  }
}

async function tail(
  door: Door,
  query = "",
  lastEventId?: string,
): Promise<AsyncGenerator<ServerSentEvent>> {
  const resume = lastEventId === undefined ? {} : { "last-event-id": lastEventId };
  const request = new Request(`http://localhost/streams/orders/tail${query}`, {
    headers: { ...headers, ...resume },
  });
  const response = await door(request);
  assert.equal(response.status, 200);
  assert.match(response.headers.get("content-type") ?? "", /^text\/event-stream/);
  return eventsOf(response.body!);
}

async function next(events: AsyncGenerator<ServerSentEvent>): Promise<ServerSentEvent> {
  const { value, done } = await events.next();
  assert.ok(done !== true, "the tail ended");
  return value;
}

test("a tail resumes by its last id at every partition, also those that had shown nothing yet", async () => {
  await using stage = await openStage();
  const door = doorOf(stage, stage.admin);
  await publish(stage, "old-1", "old-2", "old-3");

  const first = await tail(door);
  const opening = await next(first);
  assert.match(opening.id ?? "", /^0:\d+,1:\d+$/);
  assert.equal(opening.data, undefined);
  await publish(stage, "a");
  const seen = await next(first);
  assert.equal(seen.event, "record");
  assert.equal(JSON.parse(seen.data!).data.orderId, "a");
  await first.return(undefined);

  const missed = ["b", "c", "d", "e", "f", "g"];
  await publish(stage, ...missed);
  const second = await tail(door, "", seen.id);
  await next(second);
  const got: string[] = [];
  while (got.length < missed.length) got.push(JSON.parse((await next(second)).data!).data.orderId);
  assert.deepEqual(
    got.toSorted((a, b) => (a < b ? -1 : 1)),
    missed,
  );
  await second.return(undefined);

  const third = await tail(door, "", opening.id);
  await next(third);
  assert.equal(JSON.parse((await next(third)).data!).data.orderId, "a");
  await third.return(undefined);
});

// proves: pub-sub
test("each tail that is there gets one copy of its class of events, and a later one nothing older", async () => {
  await using stage = await openStage();
  const door = doorOf(stage, stage.admin);
  await publish(stage, "before");
  const orderIdOf = ({ data }: ServerSentEvent): unknown => JSON.parse(data!).data.orderId;
  const take = async (events: AsyncGenerator<ServerSentEvent>, count: number) => {
    const found: unknown[] = [];
    while (found.length < count) found.push(orderIdOf(await next(events)));
    return found;
  };
  const one = await tail(door, "?partition=0&type=order.*");
  const two = await tail(door, "?partition=0&type=order.*");
  const payments = await tail(door, "?partition=0&type=order.paid&type=refund.*");
  for (const events of [one, two, payments]) await next(events);

  const stranger = placed("s", "k", '{"orderId":"stranger"}').headers.map(
    ([name, value]) => [name, name === "ce_type" ? "refund.made" : value] as const,
  );
  const append = async (...messages: readonly RawMessage[]): Promise<void> => {
    valuesOf(await stage.streams.append("orders", messages, { partition: 0 }));
  };
  await append(placed("a", "k", '{"orderId":"a","total":1}'));
  await append({ ...placed("s", "k", '{"orderId":"stranger"}'), headers: stranger });
  await append(placed("b", "k", '{"orderId":"b","total":1}'));
  const late = await tail(door, "?partition=0&type=order.*");
  await next(late);
  await append(placed("c", "k", '{"orderId":"c","total":1}'));
  assert.deepEqual(await take(one, 3), ["a", "b", "c"]);
  assert.deepEqual(await take(two, 3), ["a", "b", "c"]);
  assert.deepEqual(await take(payments, 1), ["stranger"]);
  assert.deepEqual(await take(late, 1), ["c"]);
  for (const events of [one, two, payments, late]) await events.return(undefined);
});

test("a failure in the middle of a tail is its last event, and the tail then ends in order", async () => {
  await using stage = await openStage();
  const admin: Admin = {
    ...stage.admin,
    async *read(stream, options) {
      yield* stage.admin.read(stream, { ...options, follow: false });
      throw new Error("inner workings");
    },
  };
  await publish(stage, "a");
  const events: ServerSentEvent[] = [];
  for await (const event of await tail(doorOf(stage, admin), "?from=start")) events.push(event);
  assert.deepEqual(
    events.map(({ event }) => event),
    [undefined, "record", "error"],
  );
  assert.match(events[2]!.data!, /a defect of Millrace/);
});

test("errors of the request itself are answered by a status, not by a stream", async () => {
  await using stage = await openStage();
  const door = doorOf(stage, stage.admin);
  for (const [path, status] of [
    ["/streams/none/tail", 404],
    ["/streams/orders/tail?from=yesterday", 400],
    ["/streams/orders/tail?from=0:99", 416],
    ["/streams/orders/records?from=99&partition=0", 416],
  ] as const) {
    const response = await door(new Request(`http://localhost${path}`, { headers }));
    assert.equal(response.status, status, path);
    assert.equal(response.headers.get("content-type"), "application/json");
  }
});

interface Page {
  readonly records: readonly { readonly data: { readonly orderId: string } }[];
  readonly next: string;
}

async function page(door: Door, query: string): Promise<Page> {
  const path = `/streams/orders/records?${query}`;
  const response = await door(new Request(`http://localhost${path}`, { headers }));
  return JSON.parse(await response.text());
}

test("pages follow each other by next, without a gap and without a repetition", async () => {
  await using stage = await openStage();
  const door = doorOf(stage, stage.admin);
  const orderIds = Array.from({ length: 25 }, (_, i) => `o${i}`);
  await publish(stage, ...orderIds);
  const seen: string[] = [];
  for (let from = "start"; ;) {
    const { records, next: after } = await page(door, `limit=4&from=${from}`);
    if (records.length === 0) break;
    seen.push(...records.map(({ data }) => data.orderId));
    from = after;
  }
  assert.equal(seen.length, 25);
  assert.deepEqual(new Set(seen), new Set(orderIds));
});

// proves: seek-and-filter
test("a read starts at the earliest, the latest, a moment or an offset, and passes over what it does not want", async () => {
  await using stage = await openStage();
  const door = doorOf(stage, stage.admin);
  await publish(stage, ...Array.from({ length: 8 }, () => "a"));
  await stage.environment.clock.advance(60_000);
  const moment = new Date(stage.environment.clock.now()).toISOString();
  await publish(stage, "a", "a");
  const [end] = (await stage.streams.describeStream("orders")).partitions.filter(
    (partition) => partition.end > 0,
  );
  assert.equal(end?.end, 10);
  const one = `partition=${end.partition}`;
  const countOf = async (query: string): Promise<number> =>
    (await page(door, query)).records.length;
  assert.equal(await countOf(`${one}&from=start`), 10);
  assert.equal(await countOf(`${one}&from=end`), 0);
  assert.equal(await countOf(`${one}&from=@${moment}`), 2);
  assert.equal(await countOf(`${one}&from=7`), 3);
  assert.equal(await countOf(`${one}&from=-4`), 4);
  const filtered = await page(door, `${one}&from=start&type=order.paid`);
  assert.deepEqual([filtered.records.length, filtered.next], [0, `${end.partition}:10`]);
});

/** An admin that counts what is taken from its reads, and knows when they were left. */
function counting(stage: Stage): { admin: Admin; taken: () => number; left: Promise<void> } {
  let taken = 0;
  const left = Promise.withResolvers<void>();
  return {
    taken: () => taken,
    left: left.promise,
    admin: {
      ...stage.admin,
      async *read(stream, options): AsyncGenerator<ShownRecord> {
        try {
          for await (const record of stage.admin.read(stream, options)) {
            taken++;
            yield record;
          }
        } finally {
          left.resolve();
        }
      },
    },
  };
}

async function fill({ streams }: Stage, count: number, bytes: number): Promise<void> {
  const dataJson = JSON.stringify({ orderId: "o1", total: 1, filler: "x".repeat(bytes) });
  const messages = Array.from({ length: count }, (_, i) => placed(`e-${i}`, "o1", dataJson));
  valuesOf(await streams.append("orders", messages));
}

// proves: back-pressure
test("a reader that does not read slows the reading, and its going away ends it", async () => {
  await using stage = await openStage();
  await fill(stage, 5_000, 10_000);
  const { admin, taken, left } = counting(stage);
  const { environment } = stage;
  await using door = await serve({ admin, environment, token: TOKEN, port: 0 });
  const leave = new AbortController();
  const response = await fetch(`${door.url}/streams/orders/tail?from=start`, {
    headers: { authorization: `Bearer ${TOKEN}` },
    signal: leave.signal,
  });
  const reader = response.body!.getReader();
  await reader.read();
  const stalledAt = await stalled(taken);
  assert.ok(stalledAt > 0 && stalledAt < 2_500, `${stalledAt} of 5000 records were taken unread`);
  let bytes = 0;
  while (bytes < 20_000_000) bytes += (await reader.read()).value?.length ?? 0;
  assert.ok(taken() > stalledAt, "reading on takes more");
  leave.abort();
  await left;
});

/** The count once it no longer grows over many turns of the event loop with I/O in them. */
async function stalled(count: () => number): Promise<number> {
  for (let before = -1; before !== count();) {
    before = count();
    for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve));
  }
  return count();
}

test("a reader that goes away while its tail waits at the end is let go", async () => {
  await using stage = await openStage();
  const { admin, left } = counting(stage);
  const response = await doorOf(
    stage,
    admin,
  )(new Request("http://localhost/streams/orders/tail", { headers }));
  const reader = response.body!.getReader();
  await reader.read();
  const waiting = reader.read();
  await reader.cancel();
  await left;
  assert.equal((await waiting).done, true);
});

test("a door that stops ends its tails and frees its port", async () => {
  await using stage = await openStage();
  const { admin, environment } = stage;
  const door = await serve({ admin, environment, token: TOKEN, port: 0 });
  await publish(stage, "a");
  const response = await fetch(`${door.url}/streams/orders/tail?from=start`, {
    headers: { authorization: `Bearer ${TOKEN}` },
  });
  const events = eventsOf(response.body!);
  await next(events);
  await next(events);
  const ended = events.next();
  await door.close();
  assert.equal((await ended).done, true);
  await using again = await serve({ admin, environment, token: TOKEN, port: door.port });
  assert.equal(again.port, door.port);
});

test("a reader that does not read holds up the close for two seconds and no longer", async () => {
  await using stage = await openStage();
  await fill(stage, 5_000, 10_000);
  const { admin, taken } = counting(stage);
  const { environment } = stage;
  const door = await serve({ admin, environment, token: TOKEN, port: 0 });
  const response = await fetch(`${door.url}/streams/orders/tail?from=start`, {
    headers: { authorization: `Bearer ${TOKEN}` },
  });
  await stalled(taken);
  let closed = false;
  const closing = door.close().then(() => (closed = true));
  await environment.clock.advance(1_999);
  assert.equal(closed, false);
  await environment.clock.advance(1);
  await closing;
  await assert.rejects(response.text());
});

test("a quiet tail gives signs of life, and what comes afterwards is not lost to them", async () => {
  await using stage = await openStage();
  const door = doorOf(stage, stage.admin);
  const { clock } = stage.environment;
  for (const [path, sign, accept] of [
    ["/streams/orders/events", ": quiet\n\n", "text/event-stream"],
    ["/streams/orders/tail", ": quiet\n\n", "text/event-stream"],
    ["/streams/orders/records?follow=true&from=end", "\n", "application/x-ndjson"],
  ] as const) {
    const request = new Request(`http://localhost${path}`, { headers: { ...headers, accept } });
    const reader = (await door(request)).body!.getReader();
    const read = async (): Promise<string> => new TextDecoder().decode((await reader.read()).value);
    if (accept === "text/event-stream") assert.match(await read(), /^retry: 1000\nid: /);
    for (let beat = 0; beat < 3; beat++) {
      const waiting = read();
      await clock.advance(15_000);
      assert.equal(await waiting, sign, path);
    }
    const coming = read();
    await publish(stage, `after ${path}`);
    assert.match(await coming, /"orderId":"after /);
    await reader.cancel();
  }
});

test("a message that cannot be read is told by its name among CloudEvents, and does not end them", async () => {
  await using stage = await openStage();
  const door = doorOf(stage, stage.admin);
  const bytes = new Uint8Array([0xff]);
  valuesOf(await stage.streams.append("attic", [{ key: null, headers: [], value: bytes }]));
  valuesOf(await stage.streams.append("attic", [placed("e-1", "o1", '{"orderId":"o1"}')]));
  const path = "http://localhost/streams/attic/events?from=start";
  const response = await door(new Request(path, { headers }));
  const events = eventsOf(response.body!);
  await next(events);
  const broken = await next(events);
  assert.deepEqual([broken.event, broken.id], ["undecodable", "0:1"]);
  assert.equal(JSON.parse(broken.data!).undecodable.valueBase64, "/w==");
  const good = await next(events);
  assert.deepEqual([good.event, JSON.parse(good.data!).id], [undefined, "e-1"]);
  await events.return(undefined);
});
