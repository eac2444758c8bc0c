/** Reading a stream for people: located, merged over its partitions, filtered, decoded. */

import type { StreamRecord } from "../broker/streams.ts";
import { MillraceError } from "../model/errors.ts";
import type { ReadRecordsOptions, ShownRecord } from "./admin.ts";
import { streamsOf, type AdminContext } from "./context.ts";
import { locate } from "./locate.ts";
import { mergePartitions } from "./merge-partitions.ts";
import { showRecord } from "./shown-message.ts";

export async function* readRecords(
  context: AdminContext,
  stream: string,
  options: ReadRecordsOptions,
  closing: AbortSignal,
): AsyncGenerator<ShownRecord, void, undefined> {
  const { limit = Number.POSITIVE_INFINITY, follow = false } = options;
  if (limit !== Number.POSITIVE_INFINITY && (!Number.isSafeInteger(limit) || limit < 0)) {
    throw new MillraceError("BAD_ARGUMENT", `limit must be a whole number from 0, not ${limit}`, {
      details: { argument: "limit" },
    });
  }
  const streams = streamsOf(context);
  const info = await streams.describeStream(stream);
  const from = await locate(streams, info, options.from, { partition: options.partition });
  if (limit === 0) return;
  const signal = options.signal ? AbortSignal.any([options.signal, closing]) : closing;
  const wanted = filterOf(options);
  let shown = 0;
  for await (const record of mergePartitions(streams, stream, { from, follow, signal })) {
    if (!wanted(record)) continue;
    yield showRecord(stream, record);
    if (++shown >= limit) return;
  }
}

/** Looks at key and header alone: what is not wanted is not decoded. */
function filterOf({ types, key }: ReadRecordsOptions): (record: StreamRecord) => boolean {
  const names = new Set(types?.filter((type) => !type.endsWith(".*")));
  const classes =
    types?.filter((type) => type.endsWith(".*")).map((type) => type.slice(0, -1)) ?? [];
  return (record) => {
    if (key !== undefined && record.key !== key) return false;
    if (types === undefined || types.length === 0) return true;
    const type = record.headers.find(([name]) => name === "ce_type")?.[1];
    if (typeof type !== "string") return false;
    return names.has(type) || classes.some((prefix) => type.startsWith(prefix));
  };
}
