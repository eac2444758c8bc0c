/**
 * Addresses for streams: what there is, reading a page, reading on as lines, and server-sent events:
 * `tail` with records as our tools show them, `events` with CloudEvents as anybody reads them.
 *
 * Where a reader stands is the text of an offset expression, `0:120,1:7`: a page's `next`, and each
 * event's id. So a browser that reconnects resumes at the next record of every partition, also of
 * those that had shown it nothing yet.
 */

import type { Context, Hono } from "hono";
import type { Admin, ReadRecordsOptions, ShownRecord } from "../../admin/admin.ts";
import { formatOffsets } from "../../admin/offset-expression.ts";
import { structuredText } from "../../codecs/cloudevents-http-writer.ts";
import type { DoorRoom } from "../door-room.ts";
import { EVENTS_TYPE, LINES_TYPE } from "../media-types.ts";
import { offsetExpression, readQuery, type Query } from "../request/query.ts";
import { writeShown, writeShownList } from "../shown-json.ts";
import { streamedBody } from "../streamed-body.ts";

const FILTERS = ["from", "partition", "limit", "type", "key"];
const PAGE_COUNT = 100;
const HEARTBEAT_MS = 15_000;
/** How long a browser waits before it comes back. */
const RETRY_MS = 1_000;

export function addStreamRoutes(app: Hono, room: DoorRoom): void {
  const { limits } = room;

  app.get("/streams", async (c) => {
    readQuery(c, []);
    return c.json({ streams: await room.adminFor(c).listStreams() });
  });

  app.get("/streams/:stream", async (c) => {
    readQuery(c, []);
    return c.json(await room.adminFor(c).describeStream(c.req.param("stream")));
  });

  app.get("/streams/:stream/offsets", async (c) => {
    const query = readQuery(c, ["at", "partition"]);
    const at = offsetExpression(query.text("at") ?? "end");
    const partition = query.wholeNumber("partition");
    const one = partition === undefined ? {} : { partition };
    return c.json({ offsets: await room.adminFor(c).locate(c.req.param("stream"), at, one) });
  });

  app.get("/streams/:stream/records", async (c) => {
    const stream = c.req.param("stream");
    if (!c.req.header("accept")?.includes(LINES_TYPE)) {
      const query = readQuery(c, FILTERS);
      const limit = query.wholeNumber("limit", { max: limits.pageCountMax }) ?? PAGE_COUNT;
      return sendPage(c, room, stream, { ...recordFilter(query), limit });
    }
    const query = readQuery(c, [...FILTERS, "follow"]);
    const options = { ...recordFilter(query), follow: query.flag("follow") };
    return sendLines(c, room, stream, options);
  });

  for (const [address, writeRecord] of [
    ["tail", recordEvent],
    ["events", cloudEvent],
  ] as const) {
    app.get(`/streams/:stream/${address}`, async (c) => {
      const query = readQuery(c, FILTERS);
      const from = c.req.header("last-event-id") ?? offsetExpression(query.text("from") ?? "end");
      const options = { ...recordFilter(query), from };
      return sendEvents(c, room, c.req.param("stream"), { options, writeRecord });
    });
  }
}

function recordFilter(query: Query): ReadRecordsOptions {
  const partition = query.wholeNumber("partition");
  const limit = query.wholeNumber("limit");
  const key = query.text("key");
  const types = query.texts("type");
  return {
    from: offsetExpression(query.text("from") ?? "start"),
    ...(partition !== undefined && { partition }),
    ...(limit !== undefined && { limit }),
    ...(key !== undefined && { key }),
    ...(types.length > 0 && { types }),
  };
}

async function sendPage(
  c: Context,
  room: DoorRoom,
  stream: string,
  options: ReadRecordsOptions & { readonly limit: number },
): Promise<Response> {
  const admin = room.adminFor(c);
  const reached = await placesOf(admin, stream, options);
  const ends = await placesOf(admin, stream, { ...options, from: "end" });
  const records: ShownRecord[] = [];
  for await (const record of admin.read(stream, { ...options, from: formatPlaces(reached) })) {
    records.push(record);
    reached.set(record.partition, record.offset + 1);
  }
  if (records.length < options.limit) {
    // All were looked at: the next page need not look again at what the filter left out.
    for (const [partition, end] of ends) {
      reached.set(partition, Math.max(end, reached.get(partition) ?? 0));
    }
  }
  return c.body(writeShownList("records", records, { next: formatPlaces(reached) }), 200, {
    "Content-Type": "application/json",
  });
}

/** One record a line, an empty one where it is quiet; a failure is the last line, `{"error": …}`. */
async function sendLines(
  c: Context,
  room: DoorRoom,
  stream: string,
  options: ReadRecordsOptions,
): Promise<Response> {
  const { stopping, tell, clock } = room;
  const admin = room.adminFor(c);
  const from = formatPlaces(await placesOf(admin, stream, options));
  const body = streamedBody<ShownRecord>({
    items: (signal) => admin.read(stream, { ...options, from, signal }),
    encode: (record) => `${writeShown(record)}\n`,
    encodeError: (error) => `{"error":${tell(error)}}\n`,
    heartbeat: { text: "\n", everyMs: HEARTBEAT_MS, clock },
    stopping,
  });
  return c.body(body, 200, { "Content-Type": LINES_TYPE });
}

interface SentEvents {
  readonly options: ReadRecordsOptions;
  /** The fields of an event, without its id. */
  readonly writeRecord: (record: ShownRecord) => string;
}

/** Each event's id is the place after it; a failure is an event `error`, the last. */
async function sendEvents(
  c: Context,
  room: DoorRoom,
  stream: string,
  { options, writeRecord }: SentEvents,
): Promise<Response> {
  const { stopping, tell, clock } = room;
  const admin = room.adminFor(c);
  const reached = await placesOf(admin, stream, options);
  const from = formatPlaces(reached);
  const body = streamedBody<ShownRecord>({
    items: (signal) => admin.read(stream, { ...options, from, follow: true, signal }),
    opening: `retry: ${RETRY_MS}\nid: ${from}\n\n`,
    encode(record) {
      reached.set(record.partition, record.offset + 1);
      return `id: ${formatPlaces(reached)}\n${writeRecord(record)}\n\n`;
    },
    encodeError: (error) => `event: error\ndata: ${tell(error)}\n\n`,
    heartbeat: { text: ": quiet\n\n", everyMs: HEARTBEAT_MS, clock },
    stopping,
  });
  return c.body(body, 200, { "Content-Type": EVENTS_TYPE });
}

function recordEvent(record: ShownRecord): string {
  return `event: record\ndata: ${writeShown(record)}`;
}

/** A message in structured mode, which a browser's `onmessage` gets; what is none is told by its name. */
function cloudEvent(record: ShownRecord): string {
  const { envelope, dataJson } = record;
  if (envelope === undefined || dataJson === undefined) {
    return `event: undecodable\ndata: ${writeShown(record)}`;
  }
  return `data: ${structuredText(envelope, dataJson)}`;
}

/** Errors in the request come out here, while the status can still tell them. */
async function placesOf(
  admin: Admin,
  stream: string,
  { from, partition }: ReadRecordsOptions,
): Promise<Map<number, number>> {
  const one = partition === undefined ? {} : { partition };
  const located = await admin.locate(stream, from, one);
  return new Map(located.map((place) => [place.partition, place.offset]));
}

function formatPlaces(places: ReadonlyMap<number, number>): string {
  return formatOffsets(Array.from(places, ([partition, offset]) => ({ partition, offset })));
}
