/** Sending customers into the shop, and reading how it stands: for whatever program runs it. */

import { setTimeout as sleep } from "node:timers/promises";
import type { App } from "millrace";
import { customerId, visit } from "./customers.ts";
import { customers } from "./services/accounts.ts";
import { orderList } from "./services/orders.ts";

/**
 * Customers one after another, `rate` of them a second, to the signal or the last one. Begun again it
 * goes on with the one that was in the shop: those before it have been served.
 */
export async function sendCustomers(
  app: App,
  {
    rate,
    count,
    signal,
  }: { readonly rate: number; readonly count: number; readonly signal: AbortSignal },
): Promise<void> {
  let number = 0;
  while ((await app.get(customers, customerId(number + 1))) !== undefined) number++;
  for (; number < count && !signal.aborted; number++) {
    await visit(app, number);
    await sleep(1000 / rate, undefined, { signal }).catch(() => undefined);
  }
}

/** `27 orders: 20 completed, 5 cancelled, 2 under way`. */
export async function shopLine(app: Pick<App, "find">): Promise<string> {
  const counts = new Map<string, number>();
  for (let after: string | undefined; ;) {
    const page = await app.find(orderList, { limit: 1000, ...(after !== undefined && { after }) });
    for (const { data } of page.documents) {
      counts.set(data.status, (counts.get(data.status) ?? 0) + 1);
    }
    if (page.next === undefined) break;
    after = page.next;
  }
  const of = (status: string): number => counts.get(status) ?? 0;
  const all = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const underWay = all - of("completed") - of("cancelled");
  return `${all} orders: ${of("completed")} completed, ${of("cancelled")} cancelled, ${underWay} under way`;
}
