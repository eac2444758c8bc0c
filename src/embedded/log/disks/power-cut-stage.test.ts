/**
 * How many of the states after a power cut the tests look at: a sample in `npm test`, which everybody
 * waits for, and all that one has the patience for in `npm run faults -- --only cuts`.
 */

/** One of `quick` states, or of `thorough` ones where all are wanted. Primes meet all kinds of states. */
export function oneOf(quick: number, thorough = 1): number {
  return process.env["MILLRACE_POWER_CUTS"] === "all" ? thorough : quick;
}

/** Fewer would prove nothing. */
export const STATES_MIN = 50;
