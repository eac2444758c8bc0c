/** Every case, in the order in which they run. */

import type { ClientCase } from "../client-case.ts";
import { ADMIN } from "./admin.ts";
import { KAFKAJS } from "./kafkajs.ts";

export const CASES: readonly ClientCase[] = [...KAFKAJS, ...ADMIN];
