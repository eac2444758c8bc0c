import { dirname } from "node:path";
import type { Disk } from "../disk.ts";

/** The file has these contents and no others, durably; its name is, once its directory is synced. */
export async function writeWhole(disk: Disk, path: string, contents: Uint8Array): Promise<void> {
  const file = await disk.open(path, { create: true });
  try {
    await file.truncate(0);
    await file.write([contents], 0);
    await file.sync();
  } finally {
    await file.close();
  }
}

/**
 * The file has these contents or those that it had, whatever happens meanwhile: they are written
 * under another name first. Durable when it resolves, its name too.
 */
export async function replaceWhole(disk: Disk, path: string, contents: Uint8Array): Promise<void> {
  const temporary = `${path}.new`;
  await writeWhole(disk, temporary, contents);
  await disk.rename(temporary, path);
  await disk.syncDirectory(dirname(path));
}
