/** The admin API of another process, through its door. */

import type {
  Admin,
  FailureFilter,
  Published,
  PublishRequest,
  ReadOptions,
  RepairOptions,
  ShownRecord,
} from "../admin/admin.ts";
import { payloadTooLarge } from "../admin/prepare-message.ts";
import type { GroupInfo } from "../broker/streams.ts";
import { isMillraceError } from "../model/errors.ts";
import type { Outcome } from "../model/outcome.ts";
import { commandClient } from "./client/command-client.ts";
import { historyClient } from "./client/history-client.ts";
import { listOf, parse } from "./client/reading.ts";
import {
  createRequests,
  segment,
  type ClientOptions,
  type DoorRequests,
  type QueryValues,
} from "./client/requests.ts";
import { workClient } from "./client/work-client.ts";
import { errorFromBody } from "./error-status.ts";
import { membersOf } from "../codecs/json-text.ts";
import { JSON_TYPE, LINES_TYPE } from "./media-types.ts";
import { writePublishLine } from "./publish-line.ts";
import { readShown } from "./shown-json.ts";

/** One request's share of a long list to publish; under the door's own bounds. */
const PUBLISH_CHARACTERS = 2 * 1024 * 1024;
const PUBLISH_COUNT = 5_000;

/** Throws UNREACHABLE where nothing answers, here and in every call. */
export async function openAdminClient(options: ClientOptions): Promise<Admin> {
  const closing = new AbortController();
  const door = createRequests(options, closing.signal);
  await door.get("/healthz");

  const repair = async (
    action: "redrive" | "discard",
    failures: readonly string[] | FailureFilter,
    options: RepairOptions = {},
  ): Promise<{ readonly count: number }> => {
    const body = JSON.stringify({ ...chosen(failures), ...options });
    return parse(await door.post(`/failures/${action}`, body, JSON_TYPE));
  };

  return {
    ...commandClient(door),
    ...workClient(door),
    ...historyClient(door),
    publish: async (messages) => publish(door, messages),
    read: (stream, options) => read(door, stream, options),
    locate: async (stream, expression, { partition } = {}) => {
      const query = { at: expression, partition };
      return parse(await door.get(`/streams/${segment(stream)}/offsets`, query)).offsets;
    },
    describe: async () => {
      const description = parse(await door.get("/describe"));
      return { ...description, groups: description.groups.map(withAllFields) };
    },
    listStreams: async () => parse(await door.get("/streams")).streams,
    describeStream: async (stream) => parse(await door.get(`/streams/${segment(stream)}`)),
    listQueues: async () => parse(await door.get("/queues")).queues,
    describeQueue: async (queue) => parse(await door.get(`/queues/${segment(queue)}`)),
    listGroups: async () => parse(await door.get("/groups")).groups.map(withAllFields),
    describeGroup: async (group) =>
      withAllFields(parse(await door.get(`/groups/${segment(group)}`))),
    seek: async ({ group, ...options }) => {
      const body = JSON.stringify(options);
      return parse(await door.post(`/groups/${segment(group)}/seek`, body, JSON_TYPE)).moved;
    },
    lag: async () => parse(await door.get("/lag")).lag,
    get: async (view, id, options) => {
      try {
        // An id may be any text, also one such as ".." that a path cannot hold.
        const query = { id, ...freshness(options) };
        return readShown(await door.get(`/views/${segment(view)}`, query));
      } catch (error) {
        if (isMillraceError(error, "NOT_FOUND")) return undefined;
        throw error;
      }
    },
    find: async (view, { where, ...query }, options) => {
      const conditions = where === undefined ? undefined : JSON.stringify(where);
      const asked = { ...query, where: conditions, ...freshness(options) };
      const text = await door.get(`/views/${segment(view)}`, asked);
      const next = membersOf(text).get("next");
      return {
        documents: listOf(text, "documents"),
        ...(next !== undefined && { next: parse(next) }),
      };
    },
    listFailures: async (filter = {}) =>
      listOf(await door.get("/failures", { ...filter }), "failures"),
    showFailure: async (ref) => readShown(await door.get(`/failures/${segment(ref)}`)),
    redrive: async (failures, options) => repair("redrive", failures, options),
    discard: async (failures, options) => repair("discard", failures, options),
    async [Symbol.asyncDispose]() {
      closing.abort();
    },
  };
}

function freshness({ notBefore, deadlineMs }: ReadOptions = {}): QueryValues {
  return { notBefore, deadline: deadlineMs === undefined ? undefined : `${deadlineMs}ms` };
}

/** JSON has no undefined: a field that is always there comes back. */
function withAllFields(info: GroupInfo): GroupInfo {
  const positions = info.positions.map((position) => ({
    ...position,
    committed: position.committed,
  }));
  return { ...info, positions };
}

function chosen(failures: readonly string[] | FailureFilter): object {
  if (Array.isArray(failures)) return { refs: failures };
  const filtered = Object.values(failures).some((value) => value !== undefined);
  return filtered ? failures : { all: true };
}

async function publish(
  door: DoorRequests,
  messages: readonly PublishRequest[],
): Promise<readonly Outcome<Published>[]> {
  const outcomes: Outcome<Published>[] = [];
  let lines: { readonly index: number; readonly line: string }[] = [];
  let characters = 0;
  const flush = async (): Promise<void> => {
    if (lines.length === 0) return;
    const body = lines.map(({ line }) => line).join("\n");
    const answered = parse(await door.post("/events", body, LINES_TYPE)).outcomes;
    lines.forEach(({ index }, at) => (outcomes[index] = readOutcome(answered[at])));
    lines = [];
    characters = 0;
  };
  for (const [index, message] of messages.entries()) {
    const error = payloadTooLarge(message.dataJson);
    if (error !== undefined) {
      outcomes[index] = { ok: false, error };
      continue;
    }
    const line = writePublishLine(message);
    if (lines.length >= PUBLISH_COUNT || characters + line.length > PUBLISH_CHARACTERS) {
      await flush();
    }
    lines.push({ index, line });
    characters += line.length;
  }
  await flush();
  return outcomes;
}

function readOutcome(outcome: any): Outcome<Published> {
  const error = outcome.ok === true ? undefined : errorFromBody(outcome.error);
  return error === undefined ? outcome : { ok: false, error };
}

async function* read(
  door: DoorRequests,
  stream: string,
  { types, signal, ...query }: Parameters<Admin["read"]>[1],
): AsyncGenerator<ShownRecord, void, undefined> {
  const path = `/streams/${segment(stream)}/records`;
  for await (const line of door.lines(path, { ...query, type: types }, signal)) {
    const shown = readShown(line);
    const error = "stream" in shown ? undefined : errorFromBody(shown.error);
    if (error !== undefined) throw error;
    if (!("stream" in shown)) throw new Error(`the door ended the read: ${line.slice(0, 300)}`);
    yield shown;
  }
}
