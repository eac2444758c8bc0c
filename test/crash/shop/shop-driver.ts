/** Customers in the shop, of which each life runs one process: the record says which. */

import { visit } from "../../../examples/shop/customers.ts";
import type { Driver } from "../driver.ts";
import { COMPONENT, runShop } from "./run-shop.ts";
import { ShopRecord, turnOf } from "./shop-record.ts";

/** Customers in the shop at one time. */
const AT_ONCE = 6;

export const shopDriver: Driver = {
  name: COMPONENT,
  start: async (context) => {
    const { tell, resume } = context;
    const { process, undone } = turnOf(resume);
    const app = await runShop(context, process);
    const waiting = [...undone];
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
