/**
 * Every component of the kill suite, in casts that take turns: a life has one cast at work, so that
 * its work is dense when it dies, and finds in the directory what the others left. The clients of the
 * wire have most of the turns: all of them are at work in one life, and it is short.
 */

import { askDriver } from "../ask/ask-driver.ts";
import type { Cast } from "../cast.ts";
import { sagaDriver } from "../saga/saga-driver.ts";
import { serviceDriver } from "../service/service-driver.ts";
import { shopDriver } from "../shop/shop-driver.ts";
import { viewDriver } from "../view/view-driver.ts";
import { webhookDriver } from "../webhook/webhook-driver.ts";
import { wireGroupDriver } from "../wire/wire-group.ts";
import { wireProducerDriver } from "../wire/wire-producer.ts";
import { wireQueueDriver } from "../wire/wire-queue.ts";
import { wireTimeoutDriver } from "../wire/wire-timeout.ts";
import { wireTransactionDriver } from "../wire/wire-transaction.ts";
import { appendDriver } from "./append.ts";
import { groupDriver } from "./group.ts";
import { queueDriver } from "./queue.ts";
import { redriveDriver } from "./redrive.ts";

export const CASTS: readonly Cast[] = [
  {
    turns: 1,
    drivers: [appendDriver, groupDriver, queueDriver, redriveDriver, serviceDriver],
  },
  { turns: 1, drivers: [askDriver, sagaDriver, webhookDriver, viewDriver] },
  { turns: 1, drivers: [shopDriver] },
  {
    turns: 17,
    drivers: [
      wireProducerDriver,
      wireTransactionDriver,
      wireTimeoutDriver,
      wireGroupDriver,
      wireQueueDriver,
    ],
  },
];
