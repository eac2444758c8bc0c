/** Inside an existing Hono server: its own routes ask the app, and the door stands below a path. */

import { Hono } from "hono";
import type { App } from "millrace";
import { createHandler } from "millrace/http";
import { PlaceOrder } from "./contract.ts";
import { byCustomer } from "./pure.ts";

export function createShop(app: App, token: string): Hono {
  const shop = new Hono();

  shop.get("/", (c) => c.text("a shop that was here before"));

  shop.put("/orders/:orderId", async (c) => {
    const { total }: { total: number } = await c.req.json();
    const order = PlaceOrder({ orderId: c.req.param("orderId"), total });
    const answer = await app.ask(order, { deadline: "5s", actor: c.req.header("x-customer") });
    return answer.ok ? c.json({ token: answer.token }, 201) : c.json(answer.refusal, 422);
  });

  shop.get("/orders/:orderId", async (c) => {
    const notBefore = c.req.query("notBefore");
    const found = await app.get(byCustomer, c.req.param("orderId"), { notBefore });
    return found === undefined ? c.notFound() : c.json(found);
  });

  shop.mount("/millrace", createHandler(app, { token }));
  return shop;
}
