/** Runs the service in this process; its data stands in `.millrace` of the current folder. */

// #region main
import { openApp } from "millrace";
import { embedded } from "millrace/embedded";
import { sqlite } from "millrace/sqlite";
import { OrderPlaced } from "./contract.ts";
import { revenue, shop } from "./shop.ts";

await using app = await openApp({ services: [shop], broker: embedded(), store: sqlite() });

await app.publish(OrderPlaced({ orderId: "o1", total: 5 })); // resolves when synced to disk
await app.settled();
console.log(await app.get(revenue, "all"));
// #endregion
