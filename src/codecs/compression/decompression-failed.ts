/** Why bytes could not be decompressed: they are not what their codec writes, or become too many. */

export type DecompressionFailure = "malformed" | "too-large";

export class DecompressionFailed extends Error {
  override readonly name = "DecompressionFailed";
  readonly failure: DecompressionFailure;

  constructor(failure: DecompressionFailure, text: string, options?: ErrorOptions) {
    super(text, options);
    this.failure = failure;
  }
}

export function malformed(codec: string, text: string, cause?: unknown): DecompressionFailed {
  return new DecompressionFailed("malformed", `malformed ${codec}: ${text}`, { cause });
}

export function tooLarge(codec: string, bytesMax: number): DecompressionFailed {
  return new DecompressionFailed(
    "too-large",
    `the ${codec} holds more than ${bytesMax} bytes, the limit`,
  );
}
