/** All services of the shop, with the order process of one's choice. */

import type { Service } from "millrace";
import * as choreographed from "./process/choreographed.ts";
import * as orchestrated from "./process/orchestrated.ts";
import { accountService } from "./services/accounts.ts";
import { cartService } from "./services/carts.ts";
import { fileService } from "./services/files.ts";
import { fraudService } from "./services/fraud.ts";

const processes = { orchestrated, choreographed };
export type OrderProcess = keyof typeof processes;

export function shopServices(process: OrderProcess): readonly Service[] {
  const { orderService, paymentService, shippingService } = processes[process];
  return [
    accountService,
    fraudService,
    cartService,
    fileService,
    orderService,
    paymentService,
    shippingService,
  ];
}
