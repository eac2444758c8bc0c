/**
 * Copies of short runs. Most are a few bytes long, and for those a loop beats a call into native code.
 */

const NATIVE_FROM = 48;

/** Copies `source[from, to)` to `output[at, …)`, which has the room. */
export function copyLiterals(
  output: Buffer,
  at: number,
  { source, from, to }: { readonly source: Buffer; readonly from: number; readonly to: number },
): void {
  if (to - from >= NATIVE_FROM) source.copy(output, at, from, to);
  else for (let index = from; index < to; index++) output[at++] = source[index]!;
}

/**
 * Copies within the output what stands `distance` bytes before `at`. The two may overlap: then what is
 * copied repeats itself.
 */
export function copyMatch(
  output: Buffer,
  { at, distance, length }: { at: number; distance: number; length: number },
): void {
  const end = at + length;
  if (length < NATIVE_FROM) {
    for (let index = at; index < end; index++) output[index] = output[index - distance]!;
    return;
  }
  // Each round doubles what can be copied at once.
  for (let done = at, step = distance; done < end; done += step, step *= 2) {
    step = Math.min(step, end - done);
    output.copyWithin(done, at - distance, at - distance + step);
  }
}
