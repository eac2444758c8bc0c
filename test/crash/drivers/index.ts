/** Every component of the kill suite, in the order in which they start. */

import { askDriver } from "../ask/ask-driver.ts";
import type { Driver } from "../driver.ts";
import { appendDriver } from "./append.ts";
import { groupDriver } from "./group.ts";
import { queueDriver } from "./queue.ts";
import { sagaDriver } from "../saga/saga-driver.ts";
import { serviceDriver } from "../service/service-driver.ts";
import { shopDriver } from "../shop/shop-driver.ts";
import { viewDriver } from "../view/view-driver.ts";
import { webhookDriver } from "../webhook/webhook-driver.ts";
import { redriveDriver } from "./redrive.ts";

export const DRIVERS: readonly Driver[] = [
  appendDriver,
  groupDriver,
  queueDriver,
  redriveDriver,
  serviceDriver,
  askDriver,
  sagaDriver,
  webhookDriver,
  viewDriver,
  shopDriver,
];
