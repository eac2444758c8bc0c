/**
 * One call to the system: writes some of the buffers, one after another at `position`, and tells how
 * many bytes it took.
 */
export type WriteSome = (buffers: readonly Uint8Array[], position: number) => Promise<number>;

/**
 * Writes all of the buffers. A call may take fewer bytes than it was given without calling that an error
 * (POSIX write), so what is left over is given to the next one, which goes on or says what is wrong.
 */
export async function writeAll(
  write: WriteSome,
  buffers: readonly Uint8Array[],
  position: number,
): Promise<void> {
  let rest: readonly Uint8Array[] = buffers.filter(({ length }) => length > 0);
  for (let at = position; rest.length > 0;) {
    const written = await write(rest, at);
    // A disk that takes nothing would be asked for ever.
    if (written === 0) {
      throw Object.assign(new Error("EIO: the disk takes nothing, write"), { code: "EIO" });
    }
    at += written;
    rest = after(rest, written);
  }
}

/** What a short write left over. */
function after(buffers: readonly Uint8Array[], written: number): readonly Uint8Array[] {
  let skipped = written;
  let index = 0;
  for (; index < buffers.length && skipped >= buffers[index]!.length; index++) {
    skipped -= buffers[index]!.length;
  }
  const rest = buffers.slice(index);
  if (skipped > 0) rest[0] = rest[0]!.subarray(skipped);
  return rest;
}
