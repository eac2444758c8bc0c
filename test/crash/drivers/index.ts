/**
 * Every component of the kill suite, in casts that take turns: a life has one cast at work, so that
 * its work is dense when it dies, and finds in the directory what the others left.
 */

import { askDriver } from "../ask/ask-driver.ts";
import type { Driver } from "../driver.ts";
import { sagaDriver } from "../saga/saga-driver.ts";
import { serviceDriver } from "../service/service-driver.ts";
import { shopDriver } from "../shop/shop-driver.ts";
import { viewDriver } from "../view/view-driver.ts";
import { webhookDriver } from "../webhook/webhook-driver.ts";
import { wireGroupDriver } from "../wire/wire-group.ts";
import { wireProducerDriver } from "../wire/wire-producer.ts";
import { wireQueueDriver } from "../wire/wire-queue.ts";
import { wireTransactionDriver } from "../wire/wire-transaction.ts";
import { appendDriver } from "./append.ts";
import { groupDriver } from "./group.ts";
import { queueDriver } from "./queue.ts";
import { redriveDriver } from "./redrive.ts";

// Their number is odd: the shop runs one process in odd lives and the other in even ones.
export const CASTS: readonly (readonly Driver[])[] = [
  [appendDriver, groupDriver, queueDriver, redriveDriver, serviceDriver],
  [askDriver, sagaDriver, webhookDriver, viewDriver],
  [shopDriver],
  [wireProducerDriver, wireTransactionDriver],
  [wireGroupDriver, wireQueueDriver],
];
