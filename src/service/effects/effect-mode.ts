/**
 * What becomes of effects, the calls of consumers to the outside world.
 *
 * - `live`: a recorded answer is returned; where there is none the call is made, and its answer
 *   recorded.
 * - `replay`: recorded answers alone; nothing is called.
 * - `shadow`: as in a replay, for a service that runs beside the live one on what that has recorded.
 * - `redo`: every call is made again, with the idempotency key that it had.
 */
export type EffectMode = "live" | "replay" | "shadow" | "redo";
