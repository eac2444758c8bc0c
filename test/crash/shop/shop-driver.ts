/** Customers in the shop: the one process in odd lives, the other in even ones. */

import { visit } from "../../../examples/shop/customers.ts";
import type { Driver } from "../driver.ts";
import type { Json } from "../report.ts";
import { COMPONENT, PROCESSES, runShop } from "./run-shop.ts";
import { ShopRecord } from "./shop-record.ts";

/** Customers in the shop at one time. */
const AT_ONCE = 6;

export const shopDriver: Driver = {
  name: COMPONENT,
  start: async (context) => {
    const { tell, life, resume } = context;
    const process = PROCESSES[life % PROCESSES.length]!;
    tell("process", process);
    const app = await runShop(context, process);
    const undone: readonly Json[] = isObject(resume) ? (resume[process] ?? []) : [];
    const waiting = undone.map(Number);
    let next = waiting.pop() ?? 0;
    const serve = async (): Promise<void> => {
      for (;;) {
        const number = waiting.shift() ?? next++;
        tell("try", process, number);
        await visit(app, number);
        tell("ack", process, number);
      }
    };
    return () => {
      for (let lane = 0; lane < AT_ONCE; lane++) {
        serve().catch((error: unknown) => tell("error", String(error)));
      }
    };
  },
  createRecord: () => new ShopRecord(),
};

function isObject(value: Json): value is { readonly [name: string]: readonly Json[] } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
