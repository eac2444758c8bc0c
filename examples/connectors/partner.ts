/** A shop that talks to a partner by webhooks, and takes in and writes files. */

import { event, service, stream } from "millrace";
import { fileSink, fileSource } from "millrace/files";
import { GITHUB_SIGNATURE, webhookIn, webhookOut } from "millrace/webhook";
import { z } from "zod";

const {
  PARTNER_URL: url = "https://partner.example/orders",
  PARTNER_SECRET: secret = "",
  SHOP_FILES: folder = "files",
  PARTNER_IS_LOCAL: isLocal,
} = process.env;

const order = z.object({ orderId: z.string(), total: z.number(), gift: z.boolean().optional() });
const OrderPlaced = event("order.placed", order, { key: ({ orderId }) => orderId });
const orders = stream("orders", { OrderPlaced });

const orderId = z.object({ orderId: z.string() });
const OrderShipped = event("order.shipped", orderId, { key: (shipped) => shipped.orderId });
const shipments = stream("shipments", { OrderShipped });

// #region out
const partner = webhookOut("partner", {
  from: orders,
  types: [OrderPlaced],
  url,
  secret,
  timeout: "10s",
  policy: { attempts: 8 },
  ...(isLocal !== undefined && { allow: ["127.0.0.1"], plainHttp: true }),
});
// #endregion

// #region in
const carrier = webhookIn("carrier", {
  path: "carrier/shipments",
  secret,
  to: shipments,
  map: (body) => (body.state === "gone" ? OrderShipped({ orderId: body.reference }) : undefined),
});
// #endregion

// #region github
const releases = webhookIn("releases", {
  secret,
  to: shipments,
  verify: GITHUB_SIGNATURE,
  map: (body, headers) =>
    headers.get("x-github-event") === "release"
      ? OrderShipped({ orderId: body.release.tag_name })
      : undefined,
});
// #endregion

// #region source
const imports = fileSource("imports", {
  path: `${folder}/orders.csv`,
  format: "csv",
  to: orders,
  type: OrderPlaced,
  follow: true,
});
// #endregion

// #region sink
const archive = fileSink("archive", {
  from: orders,
  path: `${folder}/archive.csv`,
  format: "csv",
  columns: ["$id", "$time", "orderId", "total"],
  roll: "64MB",
});
// #endregion

// #region app
export const connected = {
  services: [service("shop", { partner, archive })],
  sources: [imports],
  http: { port: 0, webhooks: [carrier, releases] },
};
// #endregion
