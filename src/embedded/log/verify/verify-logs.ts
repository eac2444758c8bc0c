/** Reads all that is durable in the open logs, while they work, and tells what is not as it was written. */

import { join, relative, sep } from "node:path";
import type { LogProblem, VerifyReport, VerifyRequest } from "../../../broker/upkeep/upkeep.ts";
import { MillraceError } from "../../../model/errors.ts";
import { damagedJournals, LOOK_AT_JOURNAL } from "../journal/damaged-journals.ts";
import type { LogEnvironment } from "../log-environment.ts";
import type { LogCut } from "../log-registry.ts";
import { logNameOf, shownLog, type LogName } from "./log-name.ts";
import { verifySegment, verifySnapshots, type Found, type SegmentPlace } from "./verify-segment.ts";

interface Verified {
  readonly path: string;
  readonly logs: LogEnvironment;
}

/** Throws UNKNOWN_STREAM. */
export async function verifyLogs(
  { path, logs }: Verified,
  { stream, signal, progress }: VerifyRequest,
): Promise<VerifyReport> {
  const nameOf = ({ directory }: LogCut): LogName =>
    logNameOf(relative(path, directory).split(sep));
  const cuts = logs.open.cut().filter((cut) => {
    const { kind, name } = nameOf(cut);
    return stream === undefined || (kind === "stream" && name === stream);
  });
  if (stream !== undefined && cuts.length === 0) {
    throw new MillraceError(
      "UNKNOWN_STREAM",
      `there is no stream ${stream}; see: millrace stream ls`,
    );
  }
  const total = cuts.flatMap(({ segments }) => segments).reduce((sum, { bytes }) => sum + bytes, 0);
  const counts = { logs: cuts.length, segments: 0, batches: 0, records: 0, bytes: 0, snapshots: 0 };
  const problems: LogProblem[] = [];
  for (const cut of cuts) {
    const { directory, segments } = cut;
    const name = nameOf(cut);
    const tell = (found: readonly Found[]): void => {
      const log = shownLog(name);
      problems.push(...found.map((one) => ({ log, partition: name.partition, ...one })));
    };
    for (const [index, facts] of segments.entries()) {
      signal.throwIfAborted();
      const follower = segments[index + 1]?.baseOffset;
      const place: SegmentPlace = { disk: logs.disk, directory, facts, follower };
      const { found, batches, records } = await verifySegment(place);
      // What was removed or compacted while it was read is another file by now.
      if (found.length > 0 && !isThere(logs, place)) continue;
      tell(found);
      counts.segments++;
      counts.batches += batches;
      counts.records += records;
      counts.bytes += facts.bytes;
      progress(counts.bytes, total);
    }
    const snapshots = await verifySnapshots(logs.disk, directory);
    counts.snapshots += snapshots.count;
    tell(snapshots.found);
  }
  if (stream === undefined) {
    for (const name of await damagedJournals(logs.disk, path)) {
      const message = `a commit journal that was damaged when it was read; ${LOOK_AT_JOURNAL}`;
      const nowhere = { log: "journal", partition: 0, offset: 0, nextOffset: 0 };
      problems.push({ ...nowhere, file: join(path, name), message });
    }
  }
  return { ...counts, problems };
}

function isThere({ open }: LogEnvironment, { directory, facts }: SegmentPlace): boolean {
  const cut = open.cut().find((one) => one.directory === directory);
  const now = cut?.segments.find(({ baseOffset }) => baseOffset === facts.baseOffset);
  return now !== undefined && now.bytes >= facts.bytes;
}
