/** Small files that are read and replaced as a whole. */

import type { FileDisk } from "./file-disk.ts";

export async function readWhole(disk: FileDisk, path: string): Promise<Uint8Array | undefined> {
  const file = await disk.openToRead(path);
  if (file === undefined) return undefined;
  try {
    return await file.read(0, await file.size());
  } finally {
    await file.close();
  }
}

/** After a crash there is either the old content or the new one. */
export async function replaceWhole(disk: FileDisk, path: string, bytes: Uint8Array): Promise<void> {
  const draft = `${path}.new`;
  await writeFrom(disk, draft, 0, bytes);
  await disk.rename(draft, path);
}

/** Makes the file end with these bytes at this offset, whatever stood there, and syncs it. */
export async function writeFrom(
  disk: FileDisk,
  path: string,
  offset: number,
  bytes: Uint8Array,
): Promise<void> {
  const file = await disk.openToWrite(path);
  try {
    if ((await file.size()) > offset) await file.truncate(offset);
    await file.write(offset, bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}
