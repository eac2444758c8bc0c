import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { connect, type Socket } from "node:net";
import { test } from "node:test";
import { listenAt } from "./held-port.ts";

const REQUEST = "GET /early HTTP/1.1\r\nHost: localhost\r\n\r\n";

async function connected(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  socket.setEncoding("utf8");
  await once(socket, "connect");
  return socket;
}

async function firstLine(socket: Socket): Promise<string> {
  const [text]: string[] = await once(socket, "data");
  return text!.split("\r\n")[0]!;
}

test("who connected before the server was there is answered by it, and may ask again", async () => {
  const held = await listenAt(0);
  const early = await connected(held.port);
  early.write(REQUEST);
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url!);
    response.end();
  });
  await held.handOver(server);
  assert.equal(await firstLine(early), "HTTP/1.1 200 OK");
  early.write(REQUEST);
  assert.equal(await firstLine(early), "HTTP/1.1 200 OK");
  const late = await connected(held.port);
  late.write(REQUEST);
  assert.equal(await firstLine(late), "HTTP/1.1 200 OK");
  assert.equal(asked.length, 3);
  for (const socket of [early, late]) socket.destroy();
  server.close();
  await once(server, "close");
  const refused = connect(held.port, "127.0.0.1");
  const [error]: Error[] = await once(refused, "error");
  assert.match(error!.message, /ECONNREFUSED/);
});

test("a request that does not end is given up, also of one who connected before", async () => {
  const held = await listenAt(0);
  const early = await connected(held.port);
  early.write("GET /early HTT");
  const timeouts = { headersTimeout: 20, requestTimeout: 20, connectionsCheckingInterval: 5 };
  const server = createServer(timeouts, () => assert.fail("there was no request"));
  await held.handOver(server);
  assert.equal(await firstLine(early), "HTTP/1.1 408 Request Timeout");
  await once(early, "close");
  server.close();
});

test("a port that is given up is free, and those who wait are hung up on", async () => {
  const held = await listenAt(0);
  const early = await connected(held.port);
  const closed = once(early, "close");
  await held.close();
  await closed;
  const again = await listenAt(held.port);
  assert.equal(again.port, held.port);
  await again.close();
});
