/** A broker that other machines reach: TLS, sign-in and rules. `docs/security.md` tells of it. */

// #region config
import { defineConfig, passwords } from "millrace";

export default defineConfig({
  services: [],
  kafka: {
    port: 9092,
    host: "0.0.0.0",
    advertised: { host: "broker.example.org" },
    tls: { key: "tls/key.pem", cert: "tls/cert.pem" },
  },
  signIn: passwords({
    users: {
      shop: { password: process.env["SHOP_PASSWORD"] },
      reports: { password: process.env["REPORTS_PASSWORD"], roles: ["reader"] },
    },
  }),
  rules: [
    { principal: "shop", actions: "*", resources: { kind: "*", name: "shop.*" } },
    {
      principal: { role: "reader" },
      actions: ["read"],
      resources: { kind: "stream", name: "shop.orders" },
    },
    { principal: "reports", actions: ["read"], resources: { kind: "group", name: "reports" } },
  ],
});
// #endregion
