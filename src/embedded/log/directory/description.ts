/**
 * `millrace.json`: the format of a data directory and the cluster, the id that positions carry, so that
 * a position of one directory is never taken for one of another. It is written when the directory is
 * made, and again only by an upgrade.
 *
 *     1   streams, queues, the state log
 *     2   the same files, in which there may be what a release for format 1 would misread: transactions
 *         and their markers, producers' snapshots, compacted segments, compressed batches
 *
 * A format is a promise to older releases, not to this one: what is in a segment says for itself what
 * it is. `docs/decisions/0015-format-2-from-the-first-opening.md` tells when the number moves.
 */

import { join } from "node:path";
import { MillraceError } from "../../../model/errors.ts";
import type { Disk } from "../disk.ts";
import { replaceWhole } from "../disks/write-whole.ts";
import { crc32c } from "../format/crc32c.ts";

export const DIRECTORY_FORMAT = 2;
/** Directories of every format from this one on are opened. */
const OLDEST_FORMAT = 1;
export const DESCRIPTION = "millrace.json";

export interface Description {
  readonly format: number;
  readonly cluster: string;
}

/** Undefined where there is none. Throws DIRECTORY_VERSION for a newer format, LOG_DAMAGED. */
export async function readDescription(
  disk: Disk,
  directory: string,
): Promise<Description | undefined> {
  const path = join(directory, DESCRIPTION);
  const bytes = await disk.readFile(path);
  if (bytes === undefined) return undefined;
  const { format, cluster, crc32c: checksum } = parse(Buffer.from(bytes).toString());
  const known = typeof format === "number" && Number.isSafeInteger(format);
  // Of a newer format nothing but its number is known.
  if (known && format > DIRECTORY_FORMAT) {
    throw new MillraceError(
      "DIRECTORY_VERSION",
      `the data directory ${directory} has format ${format}, and this release reads up to ` +
        `${DIRECTORY_FORMAT}; start the newer release that wrote it`,
      { details: { directory, format, supported: DIRECTORY_FORMAT } },
    );
  }
  if (known && format >= OLDEST_FORMAT && typeof cluster === "string" && cluster !== "") {
    // The first releases wrote no checksum.
    if (checksum === undefined || checksum === checksumOf(cluster)) return { format, cluster };
  }
  throw new MillraceError(
    "LOG_DAMAGED",
    `${path} is malformed; restore it from a backup: it names the cluster that all positions refer to`,
    { details: { file: path } },
  );
}

/** A power cut leaves either what was there before or a whole one. */
export async function writeDescription(
  disk: Disk,
  directory: string,
  description: Description,
): Promise<void> {
  const contents = { ...description, crc32c: checksumOf(description.cluster) };
  const text = Buffer.from(`${JSON.stringify(contents)}\n`);
  await replaceWhole(disk, join(directory, DESCRIPTION), text);
}

/** One wrong letter would be another cluster, and every position kept elsewhere nonsense. */
function checksumOf(cluster: string): string {
  return crc32c(Buffer.from(cluster)).toString(16).padStart(8, "0");
}

/** Whatever the text is; what is not there, or no JSON, is undefined. */
function parse(text: string): {
  readonly format?: unknown;
  readonly cluster?: unknown;
  readonly crc32c?: unknown;
} {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
}
