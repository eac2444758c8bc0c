/**
 * States an invariant. A failure is a defect of Millrace itself, never of its caller's data, so it is
 * not a `MillraceError` and nothing may catch it to go on.
 */
export function assert(condition: unknown, invariant: string): asserts condition {
  if (!condition) throw new InvariantBroken(invariant);
}

export class InvariantBroken extends Error {
  override readonly name = "InvariantBroken";
}
