/**
 * Streams on disk: specs and group positions in the broker's state log, partitions in logs of their
 * own under `streams/<name>/<incarnation>/<partition>`.
 *
 * A stream exists from the moment its spec is in the state log; its logs are made when they are
 * opened. Removing one is two durable steps, since many files cannot go at once: the spec and the
 * groups' positions are removed and the directory is noted under `gone/`, then the files go, then
 * the note. An opening finishes what a crash left in between. Where the disk refused a step of making
 * or removing one, its spec may be left in the state log: then the next stream of that name begins by
 * removing it.
 */

import { join } from "node:path";
import type { IdSource } from "../../model/ids.ts";
import type { StreamSpec } from "../../broker/streams.ts";
import { assert } from "../../model/assert.ts";
import type {
  StoredPosition,
  StoredStream,
  StreamStorage,
} from "../../broker/in-process/stream/stream-storage.ts";
import type { BrokerDirectory } from "../broker-directory.ts";
import type { StateChange } from "../keyed-log.ts";
import type { BatchLog } from "../log/batch-log.ts";
import { openingFailure } from "../log/directory/opening-failure.ts";
import { allEnded, openPartitionLog, throwAfter } from "../log/open-log.ts";
import { sharedPlace } from "../shared-place.ts";
import { forgetMade, madeChanges, madeLogs } from "../made-logs.ts";
import { GroupPositions, type GroupPosition } from "./group-positions.ts";

interface StoredDiskStream extends StoredStream {
  readonly logs: readonly BatchLog[];
}

interface StreamFacts {
  readonly spec: StreamSpec;
  readonly incarnation: string;
}

const streamKey = (name: string): string => `stream/${name}`;
/** Where a partition begins, where somebody deleted what was before. */
const startKey = (incarnation: string, partition: number): string =>
  `start/${incarnation}/${partition}`;

/** How many partitions of a stream are recovered at one time, and how many streams at the start. */
const OPENING_MAX = 16;
const STREAMS_OPENING_MAX = 8;

export interface DiskStreams extends StreamStorage {
  /** The partitions of a stream that is open. */
  logsOf(incarnation: string): readonly BatchLog[];
  storedPosition(group: string, stream: string, partition: number): StoredPosition | undefined;
  /** As `savePosition` for each; all of them or none are durable. Rejects TOO_LARGE for too many. */
  savePositions(group: string, positions: readonly StoredPosition[]): Promise<void>;
  /** As `savePositions`, for several groups, and together with further changes of the state log. */
  savePositionsWith(
    positions: readonly GroupPosition[],
    also: readonly StateChange[],
  ): Promise<void>;
  /** Forgets what the group committed; durable when it resolves. */
  removePositions(
    group: string,
    positions: readonly Pick<StoredPosition, "stream" | "partition">[],
  ): Promise<void>;
  /**
   * Deletes what a partition of an open stream has before `offset`; durable when it resolves. Returns
   * the new earliest offset. Throws OFFSET_OUT_OF_RANGE for what lies beyond the end.
   */
  trimTo(incarnation: string, partition: number, offset: number): Promise<number>;
  close(): Promise<void>;
}

export async function openDiskStreams(
  data: BrokerDirectory,
  { ids, segmentBytesMax }: { readonly ids: IdSource; readonly segmentBytesMax: number },
): Promise<DiskStreams> {
  const { state } = data;
  const open = new Map<string, StoredDiskStream>();
  const positions = new GroupPositions(state);
  let assigned = 0;

  const directoryOf = ({ spec, incarnation }: StreamFacts): string =>
    join("streams", spec.name, incarnation);

  /** Opens the partitions that are not among `present`. */
  const openStream = async (
    facts: StreamFacts,
    present: readonly BatchLog[] = [],
  ): Promise<StoredDiskStream> => {
    const { partitions, durability = { mode: "fsync" }, retention = {}, compaction } = facts.spec;
    const directory = join(data.path, directoryOf(facts));
    const logs = [...present];
    const made = madeLogs(state, facts.incarnation);
    while (logs.length < partitions) {
      const first = logs.length;
      const count = Math.min(OPENING_MAX, partitions - first);
      const opening = Array.from({ length: count }, (_, index) =>
        openPartitionLog(data.logs, {
          directory: join(directory, String(first + index)),
          durability,
          retention,
          compaction,
          startOffset: Number(state.get(startKey(facts.incarnation, first + index)) ?? 0),
          madeUpTo: made[first + index],
          segmentBytesMax,
        }),
      );
      logs.push(...(await allOpened(opening, logs.slice(present.length))));
    }
    const stored: StoredDiskStream = { ...facts, logs };
    open.set(facts.incarnation, stored);
    return stored;
  };

  /** Of a stream whose logs are closed. */
  const forget = async (facts: StreamFacts): Promise<void> => {
    const { spec, incarnation } = facts;
    const forgotten = positions.removeStream(spec.name);
    for (const [key] of Array.from(state.entries(`start/${incarnation}/`))) {
      void state.put(key, undefined);
    }
    void state.put(...forgetMade(incarnation));
    void state.put(streamKey(spec.name), undefined);
    await Promise.all([forgotten, data.removeLogs(directoryOf(facts), 1)]);
  };

  const known = Array.from(state.entries("stream/"), ([, value]): StreamFacts => JSON.parse(value));
  const found: StoredDiskStream[] = [];
  for (let first = 0; first < known.length; first += STREAMS_OPENING_MAX) {
    const opening = known
      .slice(first, first + STREAMS_OPENING_MAX)
      .map((facts) => openStream(facts));
    found.push(...(await allEnded(opening)));
  }
  const changes = found.flatMap(({ incarnation, logs }) => madeChanges(state, incarnation, logs));
  await Promise.all(changes.map((change) => state.put(...change)));

  const placeMade = sharedPlace(data.logs.disk, join(data.path, "streams"));

  return {
    cluster: data.cluster,
    found,
    async createStream(spec) {
      const left = state.get(streamKey(spec.name));
      if (left !== undefined) {
        const facts: StreamFacts = JSON.parse(left);
        assert(!open.has(facts.incarnation), "a stream is made where none of its name is");
        await forget(facts);
      }
      const facts = { spec, incarnation: ids.newId() };
      await state.put(streamKey(spec.name), JSON.stringify(facts));
      let stored: StoredDiskStream;
      try {
        await placeMade();
        stored = await openStream(facts);
      } catch (error) {
        throw openingFailure(join(data.path, directoryOf(facts)), error);
      }
      try {
        const changes = madeChanges(state, facts.incarnation, stored.logs);
        await Promise.all(changes.map((change) => state.put(...change)));
      } catch (error) {
        open.delete(facts.incarnation);
        return await throwAfter(error, allEnded(stored.logs.map((log) => log.close())));
      }
      return stored;
    },
    async saveSpec(incarnation, spec) {
      await state.put(streamKey(spec.name), JSON.stringify({ spec, incarnation }));
    },
    // The partitions come first: a crash leaves empty logs, which the next growth finds again.
    async growStream({ incarnation }, spec) {
      const stored = await openStream({ spec, incarnation }, open.get(incarnation)!.logs);
      const grown: StateChange = [streamKey(spec.name), JSON.stringify({ spec, incarnation })];
      await state.putAll([grown, ...madeChanges(state, incarnation, stored.logs)]);
      return stored;
    },
    async trimTo(incarnation, partition, offset) {
      const log = open.get(incarnation)!.logs[partition]!;
      if (offset <= log.earliest || offset > log.end) return log.trimTo(offset);
      await state.put(startKey(incarnation, partition), String(offset));
      return log.trimTo(offset);
    },
    async removeStream(stored) {
      open.delete(stored.incarnation);
      await Promise.all(stored.logs.map((log) => log.close()));
      await forget(stored);
    },
    groups: () => positions.groups(),
    positions: (group) => positions.of(group),
    position(group, stream, partition) {
      const offset = positions.find(group, { stream, partition })?.offset;
      return offset === undefined || offset < 0 ? undefined : offset;
    },
    savePosition: (group, position) => positions.save(group, [position]),
    savePositions: (group, saved) => positions.save(group, saved),
    savePositionsWith: (saved, also) => positions.saveWith(saved, also),
    storedPosition: (group, stream, partition) => positions.find(group, { stream, partition }),
    removePositions: (group, gone) => positions.remove(group, gone),
    logsOf: (incarnation) => open.get(incarnation)?.logs ?? [],
    nextEpoch: () => data.generation * EPOCHS_PER_OPENING + ++assigned,
    async close() {
      await allEnded([...open.values()].flatMap(({ logs }) => logs.map((log) => log.close())));
    },
  };
}

/** Epochs grow across openings because each opening has a greater generation. */
const EPOCHS_PER_OPENING = 2 ** 24;

/** All of them; where one cannot be opened, the others are closed again, and those of `before`. */
async function allOpened(
  opening: readonly Promise<BatchLog>[],
  before: readonly BatchLog[],
): Promise<readonly BatchLog[]> {
  const results = await Promise.allSettled(opening);
  const opened = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  const failed = results.find((result) => result.status === "rejected");
  if (failed === undefined) return opened;
  // Nothing was written to them, so the first failure says more than one of a close could.
  await Promise.allSettled([...before, ...opened].map((log) => log.close()));
  throw failed.reason;
}
