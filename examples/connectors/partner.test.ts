import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { openApp } from "millrace";
import { memoryBroker, memoryStore } from "millrace/memory";

const KEY = Buffer.alloc(32, 6);
const secret = `whsec_${KEY.toString("base64")}`;

test("rows of a file reach the partner and the archive, and the carrier's post comes in", async () => {
  const folder = await mkdtemp(join(tmpdir(), "millrace-partner-"));
  const posted: { readonly id: unknown; readonly body: any }[] = [];
  const all = Promise.withResolvers<void>();
  const partner = createServer((request, response) => {
    request.setEncoding("utf8");
    let body = "";
    request.on("data", (chunk: string) => (body += chunk));
    request.on("end", () => {
      posted.push({ id: request.headers["webhook-id"], body: JSON.parse(body) });
      response.writeHead(204).end();
      if (posted.length === 2) all.resolve();
    });
  });
  await new Promise<void>((resolve) => partner.listen(0, "127.0.0.1", resolve));
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it listens on a port
  const { port } = partner.address() as AddressInfo;
  await writeFile(join(folder, "orders.csv"), "orderId,total,gift\r\no1,12.50,true\r\no2,7,\r\n");
  process.env["PARTNER_URL"] = `http://127.0.0.1:${port}/orders`;
  process.env["PARTNER_SECRET"] = secret;
  process.env["PARTNER_IS_LOCAL"] = "1";
  process.env["SHOP_FILES"] = folder;
  const { connected } = await import("./partner.ts");
  try {
    await using app = await openApp({
      ...connected,
      broker: memoryBroker(),
      store: memoryStore(),
      log: { level: "error" },
    });
    await all.promise;
    await app.settled();
    const byOrder = new Map(posted.map(({ id, body }) => [body.data.orderId, { id, ...body }]));
    assert.deepEqual(
      ["o1", "o2"].map((orderId) => byOrder.get(orderId).data),
      [
        { orderId: "o1", total: 12.5, gift: true },
        { orderId: "o2", total: 7 },
      ],
    );
    const archive = await readFile(join(folder, "archive.csv"), "utf8");
    assert.match(archive, /^\$id,\$time,orderId,total\r\n/);
    assert.match(archive, /,o1,12\.50\r\n/);
    assert.match(archive, /,o2,7\r\n/);

    const body = '{"state":"gone","reference":"o1"}';
    const timestamp = String(Math.floor(app.environment.clock.now() / 1000));
    const mac = createHmac("sha256", KEY).update(`d1.${timestamp}.${body}`).digest("base64");
    const post = (signature: string): Promise<Response> =>
      fetch(`${app.door!.url}/hooks/carrier/shipments`, {
        method: "POST",
        body,
        headers: {
          "content-type": "application/json",
          "webhook-id": "d1",
          "webhook-timestamp": timestamp,
          "webhook-signature": signature,
        },
      });
    assert.equal((await post(`v1,${mac}`)).status, 204);
    assert.equal((await post(`v1,${mac}`)).status, 204);
    assert.equal((await post("v1,AAAA")).status, 401);
    const { partitions } = (await app.admin.listStreams()).find(
      ({ spec }) => spec.name === "shipments",
    )!;
    assert.equal(
      partitions.reduce((sum, { end }) => sum + end, 0),
      1,
    );
  } finally {
    partner.closeAllConnections();
    partner.close();
    await rm(folder, { recursive: true });
  }
});
