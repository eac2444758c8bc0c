/** Virtual time beside a real disk, and beside stores that work in threads. */

import { turnOfLoop } from "../host/real-io.ts";
import type { RealIo } from "./virtual-clock.ts";

/**
 * How to run where brokers or stores do real I/O: while an answer of the disk or of a thread is
 * awaited time stands still, so nothing falls due because the machine is slow; while they rest it
 * leaps as in memory. It does not see sockets.
 */
export const realIo: RealIo = { stepMs: 1, turn: turnOfLoop };
