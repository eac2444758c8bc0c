import type { Log } from "../../../model/environment.ts";
import { damagedError, type DamagedRange } from "./damage.ts";
import type { Place } from "./batch-scan.ts";
import type { Segment } from "./segment.ts";

/** Keeps damage from being served from now on, and tells of it. */
export async function noteDamage(log: Log, segment: Segment, found: Place): Promise<DamagedRange> {
  const range = await segment.quarantine(found);
  const error = damagedError(segment.path, range);
  log.error({ code: error.code, ...error.details }, error.message);
  return range;
}
