/** What to do where the operating system does not let a data directory, or a part of it, be opened. */

import { MillraceError } from "../../../model/errors.ts";
import { errorCode } from "../disks/error-code.ts";

/** `EACCES`, unlike a code of ours or of Node's own (`ERR_INVALID_ARG_TYPE`). */
const SYSTEM_CODE = /^E[A-Z0-9]+$/;
const RIGHTS =
  "let the user of this process read and write it and all that is in it, or choose another directory";
const NO_DIRECTORY = "a file stands there, or on the way to it; choose another directory";
const NO_ROOM = "free some space on its disk, or choose a directory on another one";

const REMEDIES: Readonly<Record<string, string>> = {
  EACCES: RIGHTS,
  EPERM: RIGHTS,
  EROFS: "its file system can only be read; mount it for writing, or choose another directory",
  EEXIST: NO_DIRECTORY,
  ENOTDIR: NO_DIRECTORY,
  EISDIR: "a directory stands where a file is expected; restore it from a backup",
  ENAMETOOLONG: "choose a shorter path",
  ENOSPC: NO_ROOM,
  EDQUOT: NO_ROOM,
  EMFILE: "raise the limit of open files of this process (ulimit -n)",
  ENFILE: "raise the limit of open files of this machine",
};

/**
 * DISK_FAILED or DISK_FULL, with the remedy, for an error of the operating system; any other error
 * as it is.
 */
export function openingFailure(directory: string, error: unknown): unknown {
  const reason = errorCode(error);
  if (!(error instanceof Error) || reason === undefined || !SYSTEM_CODE.test(reason)) return error;
  const remedy = REMEDIES[reason] ?? "see to the disk, then start the process again";
  return new MillraceError(
    remedy === NO_ROOM ? "DISK_FULL" : "DISK_FAILED",
    `the directory ${directory} cannot be opened (${error.message}); ${remedy}`,
    { cause: error, details: { directory, reason } },
  );
}
