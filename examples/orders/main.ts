/** Runs the service in this process; its data stands in `.millrace` of the current folder. */

// #region main
import { openApp } from "millrace";
import { embedded } from "millrace/embedded";
import { sqlite } from "millrace/sqlite";
import { PayOrder, PlaceOrder } from "./contract.ts";
import { orderList, shop } from "./shop.ts";

await using app = await openApp({ services: [shop], broker: embedded(), store: sqlite() });

const placed = await app.ask(PlaceOrder({ orderId: "o1", total: 5 })); // durable when answered
if (!placed.ok) console.log(placed.refusal.code); // "already-placed", and nothing else: it is typed
const paid = await app.ask(PayOrder({ orderId: "o1" }), { deadline: "5s", actor: "ann" });
if (paid.ok) console.log(await app.get(orderList, "o1", { notBefore: paid.token })); // sees its own write
await app.settled();
// #endregion
