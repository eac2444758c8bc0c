/** In plain Node, without a server; the data stands in `.millrace` of the current folder. */

import { openApp } from "millrace";
import { embedded } from "millrace/embedded";
import { sqlite } from "millrace/sqlite";
import { CancelOrder, PayOrder, PlaceOrder } from "./contract.ts";
import { shop } from "./edge.ts";
import { byCustomer } from "./pure.ts";

await using app = await openApp({ services: [shop], broker: embedded(), store: sqlite() });

const actor = "ann";
const answer = await app.ask(PlaceOrder({ orderId: "o1", total: 5 }), { deadline: "5s", actor });
if (!answer.ok) throw new Error(answer.refusal.code satisfies "already-placed");

const again = await app.ask(PlaceOrder({ orderId: "o1", total: 5 }));
console.log("again", again);

await app.send(CancelOrder({ orderId: "o9", why: "never wanted" })); // resolves when durable
const { status } = (await app.get(byCustomer, "o1", { notBefore: answer.token }))!;
console.log("o1", status);

await app.ask(PlaceOrder({ orderId: "o2", total: 7 }), { actor });
await app.ask(PayOrder({ orderId: "o2" }), { actor });
await app.ask(PlaceOrder({ orderId: "o3", total: 9 }), { actor });
await app.settled();

const open = { where: { status: "open" }, order: "-placedAt", limit: 1 };
const first = await app.find(byCustomer, open);
const second = await app.find(byCustomer, { ...open, after: first.next });
console.log("open", ...[first, second].flatMap(({ documents }) => documents.map(({ id }) => id)));
