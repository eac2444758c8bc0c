/** Every component of the kill suite, in the order in which they start. */

import type { Driver } from "../driver.ts";
import { appendDriver } from "./append.ts";
import { groupDriver } from "./group.ts";
import { queueDriver } from "./queue.ts";
import { serviceDriver } from "../service/service-driver.ts";
import { redriveDriver } from "./redrive.ts";

export const DRIVERS: readonly Driver[] = [
  appendDriver,
  groupDriver,
  queueDriver,
  redriveDriver,
  serviceDriver,
];
