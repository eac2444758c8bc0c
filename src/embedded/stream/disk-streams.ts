/**
 * Streams on disk: specs and group positions in the broker's state log, partitions in logs of their
 * own under `streams/<name>/<incarnation>/<partition>`.
 *
 * A stream exists from the moment its spec is in the state log; its logs are made when they are
 * opened. Removing one is two durable steps, since many files cannot go at once: the spec and the
 * groups' positions are removed and the directory is noted under `gone/`, then the files go, then
 * the note. An opening finishes what a crash left in between.
 */

import { join } from "node:path";
import type { IdSource } from "../../model/ids.ts";
import type { StreamSpec } from "../../broker/streams.ts";
import type {
  StoredPosition,
  StoredStream,
  StreamStorage,
} from "../../broker/in-process/stream/stream-storage.ts";
import type { BrokerDirectory } from "../broker-directory.ts";
import type { BatchLog } from "../log/batch-log.ts";
import { openingFailure } from "../log/directory/opening-failure.ts";
import { openPartitionLog } from "../log/open-log.ts";

interface StoredDiskStream extends StoredStream {
  readonly logs: readonly BatchLog[];
}

interface StreamFacts {
  readonly spec: StreamSpec;
  readonly incarnation: string;
}

const streamKey = (name: string): string => `stream/${name}`;
/** A client from outside may name its group as it likes. */
const positionKey = (
  group: string,
  { stream, partition }: Omit<StoredPosition, "offset">,
): string => `position/${encodeURIComponent(group)}/${stream}/${partition}`;

/** Where a partition begins, where somebody deleted what was before. */
const startKey = (incarnation: string, partition: number): string =>
  `start/${incarnation}/${partition}`;

/** How many partitions are recovered at one time. */
const OPENING_MAX = 16;

export interface DiskStreams extends StreamStorage {
  /** The partitions of a stream that is open. */
  logsOf(incarnation: string): readonly BatchLog[];
  storedPosition(group: string, stream: string, partition: number): StoredPosition | undefined;
  /** Forgets what the group committed; durable when it resolves. */
  removePositions(group: string, positions: readonly StoredPosition[]): Promise<void>;
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
  const groups = readPositions(state.entries("position/"));
  let assigned = 0;

  const directoryOf = ({ spec, incarnation }: StreamFacts): string =>
    join("streams", spec.name, incarnation);

  /** Opens the partitions that are not among `present`. */
  const openStream = async (
    facts: StreamFacts,
    present: readonly BatchLog[] = [],
  ): Promise<StoredStream> => {
    const { partitions, durability = { mode: "fsync" }, retention = {}, compaction } = facts.spec;
    const directory = join(data.path, directoryOf(facts));
    const logs = [...present];
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
          segmentBytesMax,
        }),
      );
      logs.push(...(await Promise.all(opening)));
    }
    const stored: StoredDiskStream = { ...facts, logs };
    open.set(facts.incarnation, stored);
    return stored;
  };

  const found: StoredStream[] = [];
  for (const [, value] of state.entries("stream/")) {
    const facts: StreamFacts = JSON.parse(value);
    found.push(await openStream(facts));
  }

  return {
    cluster: data.cluster,
    found,
    async createStream(spec) {
      const facts = { spec, incarnation: ids.newId() };
      await state.put(streamKey(spec.name), JSON.stringify(facts));
      return openStream(facts).catch((error: unknown) => {
        throw openingFailure(join(data.path, directoryOf(facts)), error);
      });
    },
    async saveSpec(incarnation, spec) {
      await state.put(streamKey(spec.name), JSON.stringify({ spec, incarnation }));
    },
    // The partitions come first: a crash leaves empty logs, which the next growth finds again.
    async growStream({ incarnation }, spec) {
      const stored = await openStream({ spec, incarnation }, open.get(incarnation)!.logs);
      await state.put(streamKey(spec.name), JSON.stringify({ spec, incarnation }));
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
      const { name } = stored.spec;
      for (const [group, positions] of groups) {
        for (const [key, { stream }] of positions) {
          if (stream !== name) continue;
          positions.delete(key);
          void state.put(key, undefined);
        }
        if (positions.size === 0) groups.delete(group);
      }
      for (const [key] of Array.from(state.entries(`start/${stored.incarnation}/`))) {
        void state.put(key, undefined);
      }
      void state.put(streamKey(name), undefined);
      await data.removeLogs(directoryOf(stored), 1);
    },
    groups: () => [...groups.keys()],
    positions: (group) => [...(groups.get(group)?.values() ?? [])],
    position: (group, stream, partition) =>
      groups.get(group)?.get(positionKey(group, { stream, partition }))?.offset,
    savePosition(group, position) {
      let positions = groups.get(group);
      if (positions === undefined) {
        positions = new Map();
        groups.set(group, positions);
      }
      const key = positionKey(group, position);
      positions.set(key, position);
      return state.put(key, encodePosition(position));
    },
    logsOf: (incarnation) => open.get(incarnation)?.logs ?? [],
    storedPosition: (group, stream, partition) =>
      groups.get(group)?.get(positionKey(group, { stream, partition })),
    async removePositions(group, gone) {
      const positions = groups.get(group);
      const removals = gone.map((position) => {
        const key = positionKey(group, position);
        positions?.delete(key);
        return state.put(key, undefined);
      });
      if (positions?.size === 0) groups.delete(group);
      await Promise.all(removals);
    },
    nextEpoch: () => data.generation * EPOCHS_PER_OPENING + ++assigned,
    async close() {
      await Promise.all([...open.values()].flatMap(({ logs }) => logs.map((log) => log.close())));
    },
  };
}

/** Epochs grow across openings because each opening has a greater generation. */
const EPOCHS_PER_OPENING = 2 ** 24;

function readPositions(
  entries: Iterable<readonly [string, string]>,
): Map<string, Map<string, StoredPosition>> {
  const groups = new Map<string, Map<string, StoredPosition>>();
  for (const [key, value] of entries) {
    const [, encoded = "", stream = "", partition] = key.split("/");
    const group = decodeURIComponent(encoded);
    let positions = groups.get(group);
    if (positions === undefined) {
      positions = new Map();
      groups.set(group, positions);
    }
    positions.set(key, { stream, partition: Number(partition), ...decodePosition(value) });
  }
  return groups;
}

/** The offset; where a client stored more with it, a space and that as it is. */
function encodePosition({ offset, metadata }: StoredPosition): string {
  return metadata === undefined ? String(offset) : `${offset} ${metadata}`;
}

function decodePosition(value: string): Pick<StoredPosition, "offset" | "metadata"> {
  const space = value.indexOf(" ");
  if (space < 0) return { offset: Number(value) };
  return { offset: Number(value.slice(0, space)), metadata: value.slice(space + 1) };
}
