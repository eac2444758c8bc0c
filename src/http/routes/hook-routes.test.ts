import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";
import { openStage, orders } from "../../admin/shop-stage.test.ts";
import type { WebhookReceiver } from "../../service/inbound.ts";
import { createDoor } from "../door.ts";
import { serve } from "../serving/serve.ts";

const TOKEN = "a-secret-of-some-length";

/** Takes what is signed with its own word, as receivers prove their senders by themselves. */
function receiver(path: string): WebhookReceiver {
  return {
    name: path,
    path,
    to: [orders],
    async handle(request, { publish, nowMs }) {
      if (request.headers.get("signature") !== "mine") return new Response("who?", { status: 401 });
      const dataJson = await request.text();
      const [outcome] = await publish([{ type: "order.placed", dataJson, time: nowMs }]);
      return new Response(null, { status: outcome?.ok === true ? 204 : 422 });
    },
  };
}

test("a webhook is received without the door's token, under any host, by its own proof", async () => {
  await using stage = await openStage();
  const { admin, environment } = stage;
  const webhooks = [receiver("till/3")];
  const door = createDoor({ admin, environment, token: TOKEN, webhooks });
  const post = async (path: string, signature: string): Promise<number> => {
    const headers = { host: "tunnel.example", signature };
    const init = { method: "POST", headers, body: '{"orderId":"o1","total":1}' };
    return (await door(new Request(`http://tunnel.example${path}`, init))).status;
  };
  assert.equal(await post("/hooks/till/3", "mine"), 204);
  assert.equal(await post("/hooks/till/3", "another's"), 401);
  assert.equal(await post("/hooks/till/4", "mine"), 404);
  assert.equal(await post("/hooks/", "mine"), 404);
  assert.equal(await post("/hooks/../events", "mine"), 403);
  assert.equal(await post("/events", "mine"), 403, "other addresses keep their gate");
  let records = 0;
  for await (const { key } of admin.read("orders", { from: "start" })) {
    records++;
    assert.equal(key, "o1");
  }
  assert.equal(records, 1);
});

test("two webhooks at one path are refused before anything is received", async () => {
  await using stage = await openStage();
  const { admin, environment } = stage;
  const webhooks = [receiver("till"), receiver("till")];
  assert.throws(() => createDoor({ admin, environment, token: TOKEN, webhooks }), {
    code: "BAD_DECLARATION",
    message: /\/hooks\/till; give one another path/,
  });
});

test("a webhook, a command and a repair whose body comes too slowly end with 408", async () => {
  await using stage = await openStage();
  const { admin, environment } = stage;
  const limits = { requestTimeoutMs: 200, headersTimeoutMs: 100 };
  const webhooks = [receiver("till")];
  await using door = await serve({ admin, environment, token: TOKEN, port: 0, limits, webhooks });
  const paths = ["/hooks/till", "/commands/order.place", "/failures/discard", "/replays"];
  const answers = await Promise.all(
    paths.map(
      (path) =>
        new Promise<string>((resolve, reject) => {
          const socket = connect(door.port, "127.0.0.1");
          let heard = "";
          socket.on("data", (bytes) => (heard += bytes.toString("latin1")));
          socket.on("error", reject);
          socket.on("close", () => resolve(heard));
          socket.write(
            `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${TOKEN}\r\nSignature: mine\r\n` +
              "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
          );
        }),
    ),
  );
  assert.deepEqual(
    answers.map((answer) => answer.slice(0, 12)),
    paths.map(() => "HTTP/1.1 408"),
  );
});
