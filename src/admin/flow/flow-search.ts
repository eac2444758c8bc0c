/**
 * Looking for the messages of one conversation: in all streams, among the failures, and among the
 * private events of the services.
 *
 * There is no index by correlation, so the logs are read; only what belongs to the conversation is
 * decoded. Each log has its bound, and where one was met the answer says so instead of looking whole.
 */

import type { StreamInfo } from "../../broker/streams.ts";
import type { RawMessage } from "../../model/message.ts";
import type { Store } from "../../store/store.ts";
import type { ShownMessage } from "../admin.ts";
import type { FlowPlace } from "../api/flow-admin.ts";
import { knownServices, type AdminContext } from "../context.ts";
import { failurePlaces } from "../failures/failure-places.ts";
import { locate } from "../locate.ts";
import { mergePartitions } from "../merge-partitions.ts";
import { parseOffsetExpression } from "../offset-expression.ts";
import { showMessage } from "../shown-message.ts";

export interface FoundMessage {
  readonly shown: ShownMessage;
  readonly place: FlowPlace;
}

export interface Search {
  readonly correlation: string;
  readonly since: string | undefined;
  /** Of each stream, each store's events, and all failures. */
  readonly scanMax: number;
  readonly signal: AbortSignal;
}

export interface SearchResult {
  readonly found: FoundMessage[];
  scanned: number;
  /** What was not looked at, a clause each. */
  readonly cuts: string[];
}

const EVENTS_PAGE = 1_000;

export async function searchConversation(
  context: AdminContext,
  search: Search,
): Promise<SearchResult> {
  const result: SearchResult = { found: [], scanned: 0, cuts: [] };
  for (const info of (await context.streams?.listStreams()) ?? []) {
    await searchStream(context, info, search, result);
  }
  for (const { service, store } of knownServices(context)) {
    await searchStore(service.name, store, search, result);
  }
  await searchFailures(context, search, result);
  search.signal.throwIfAborted();
  return result;
}

async function searchStream(
  { streams }: AdminContext,
  info: StreamInfo,
  { correlation, since, scanMax, signal }: Search,
  result: SearchResult,
): Promise<void> {
  const { name } = info.spec;
  // Without a place to begin at, the newest count: conversations that people look at are young.
  const share = Math.max(1, Math.floor(scanMax / info.partitions.length));
  const from = await locate(streams!, info, since ?? `-${share}`);
  const older = info.partitions.some(({ earliest }, index) => from[index]!.offset > earliest);
  if (since === undefined && older) {
    result.cuts.push(`of ${name} only the newest ${share} messages of each partition were read`);
  }
  let left = scanMax;
  for await (const record of mergePartitions(streams!, name, { from, follow: false, signal })) {
    if (left-- === 0) {
      result.cuts.push(`${name} was read for ${scanMax} messages and goes on`);
      return;
    }
    result.scanned++;
    if (!belongs(record, correlation)) continue;
    const { partition, offset, appendedMs } = record;
    result.found.push({
      shown: showMessage(record, appendedMs),
      place: { at: "stream", stream: name, partition, offset },
    });
  }
}

/** The newest events; those before `since`, where it is a moment, are passed over. */
async function searchStore(
  service: string,
  store: Store,
  { correlation, since, scanMax, signal }: Search,
  result: SearchResult,
): Promise<void> {
  const last = await store.lastEvent();
  let after = Math.max(0, last - scanMax);
  if (after > 0)
    result.cuts.push(`of ${service}'s own events only the newest ${scanMax} were read`);
  const expression = since === undefined ? undefined : parseOffsetExpression(since);
  const sinceMs = expression?.at === "time" ? expression.timeMs : Number.NEGATIVE_INFINITY;
  while (after < last && !signal.aborted) {
    const page = await store.readEvents({ after, limit: EVENTS_PAGE });
    const newest = page.at(-1);
    if (newest === undefined) return;
    after = newest.sequence;
    result.scanned += page.length;
    for (const { entity, version, message } of page) {
      if (!belongs(message, correlation)) continue;
      const shown = showMessage(message, 0);
      if ((shown.envelope?.time ?? sinceMs) < sinceMs) continue;
      result.found.push({ shown, place: { at: "store", service, entity, version } });
    }
  }
}

async function searchFailures(
  context: AdminContext,
  { correlation, scanMax, signal }: Search,
  result: SearchResult,
): Promise<void> {
  let left = scanMax;
  for (const place of await failurePlaces(context)) {
    for await (const failure of place.list()) {
      if (signal.aborted) return;
      if (left-- === 0) {
        result.cuts.push(`only ${scanMax} failures were looked at`);
        return;
      }
      result.scanned++;
      const { envelope, ref, waiting, dataJson, undecodable } = failure;
      if (envelope === undefined) continue;
      if (envelope.correlation !== correlation && envelope.id !== correlation) continue;
      result.found.push({
        shown: {
          envelope,
          ...(dataJson !== undefined && { dataJson }),
          ...(undecodable !== undefined && { undecodable }),
        },
        place: { at: "failure", ref, waiting },
      });
    }
  }
}

/** Looks at two headers alone. */
function belongs({ headers }: RawMessage, correlation: string): boolean {
  return headers.some(
    ([name, value]) => (name === "ce_correlationid" || name === "ce_id") && value === correlation,
  );
}
