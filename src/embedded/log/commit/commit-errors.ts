/** Why a group, or a partition's work, came to nothing. */

import { MillraceError } from "../../../model/errors.ts";
import { errorCode } from "../disks/error-code.ts";
import type { FreeSpace } from "./free-space.ts";

export function diskFullError(directory: string, cause: unknown): MillraceError {
  return new MillraceError("DISK_FULL", `the disk of ${directory} is full; ${MAKE_ROOM}`, {
    cause,
    details: { directory },
  });
}

/** The disk still has room, but no more than acknowledgements may need. */
export function belowFloorError(directory: string, { freeBytesMin }: FreeSpace): MillraceError {
  return new MillraceError(
    "DISK_FULL",
    `the disk of ${directory} has less than ${freeBytesMin} bytes free, the floor under which ` +
      `nothing is appended (freeBytesMin); ${MAKE_ROOM}`,
    { details: { directory, freeBytesMin } },
  );
}

const MAKE_ROOM = "free some space or shorten the retention of a stream, then try again";

const FILES_REMOVED =
  "its files were removed while it was open: stop the process, bring the data directory back from a backup, and start again";
const TOO_MANY_FILES =
  "raise the limit of open files (ulimit -n for this process), then restart it";
const REMEDIES: Readonly<Record<string, string>> = {
  ENOENT: FILES_REMOVED,
  EMFILE: TOO_MANY_FILES,
  ENFILE: TOO_MANY_FILES,
};
const CHECK_DISK =
  "check the disk, then restart the process: it looks through what is there, and reports what is damaged";

/** What ended a partition's work, or kept it from ending in order. */
export function stoppedError(directory: string, cause: unknown): MillraceError {
  if (cause instanceof MillraceError) return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  const remedy = REMEDIES[errorCode(cause) ?? ""] ?? CHECK_DISK;
  return new MillraceError(
    "DISK_FAILED",
    `the partition ${directory} is stopped because the disk reported "${reason}"; ${remedy}`,
    { cause, details: { directory } },
  );
}
