import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { test } from "node:test";
import { createTestEnvironment } from "../../testing/environment.ts";
import { LateService, type ConnectionService } from "./late-service.ts";

/** Sends back what it is given. */
class Echo implements ConnectionService {
  stops = 0;
  add(socket: Socket): void {
    socket.pipe(socket);
  }
  async stop(): Promise<void> {
    this.stops++;
  }
}

async function stage(load: () => Promise<ConnectionService>) {
  const environment = createTestEnvironment();
  const service = new LateService({ door: "kafka", environment, load });
  const server: Server = createServer((socket) => service.add(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a listener on a port has such an address
  const { port } = server.address() as AddressInfo;
  const client = (): Socket => connect(port, "127.0.0.1");
  return { environment, service, client, [Symbol.dispose]: () => void server.close() };
}

async function echoed(socket: Socket, text: string): Promise<string> {
  socket.write(text);
  const [data]: Buffer[] = await once(socket, "data");
  return data!.toString();
}

test("what serves is loaded once, with the first connection, which waits for it", async () => {
  let loads = 0;
  const loading = Promise.withResolvers<ConnectionService>();
  using staged = await stage(() => {
    loads++;
    return loading.promise;
  });
  const [one, two] = [staged.client(), staged.client()];
  const answers = Promise.all([echoed(one, "one"), echoed(two, "two")]);
  await Promise.all([once(one, "connect"), once(two, "connect")]);
  loading.resolve(new Echo());
  assert.deepEqual(await answers, ["one", "two"]);
  assert.equal(loads, 1);
  for (const socket of [one, two]) socket.destroy();
});

test("what serves is loaded without a connection, too, a moment after the opening", async () => {
  let loads = 0;
  using staged = await stage(async () => {
    loads++;
    return new Echo();
  });
  assert.equal(loads, 0);
  await staged.environment.clock.advance(250);
  assert.equal(loads, 1);
});

test("where loading fails those who wait are hung up on, it is logged, and the next tries anew", async () => {
  let loads = 0;
  using staged = await stage(async () => {
    if (loads++ === 0) throw new Error("the disk is full");
    return new Echo();
  });
  await once(staged.client().resume(), "close");
  const again = staged.client();
  assert.equal(await echoed(again, "again"), "again");
  again.destroy();
  const [entry] = staged.environment.entries.filter(({ level }) => level === "error");
  assert.match(entry!.text, /cannot serve/);
});

test("a stop waits for what is being loaded and stops it; nobody is let in after it", async () => {
  const echo = new Echo();
  const loading = Promise.withResolvers<ConnectionService>();
  using staged = await stage(() => loading.promise);
  await staged.environment.clock.advance(250);
  const stopped = staged.service.stop();
  loading.resolve(echo);
  await stopped;
  assert.equal(echo.stops, 1);
  await once(staged.client().resume(), "close");
});

test("what nobody has needed is not loaded at a stop", async () => {
  using staged = await stage(() => assert.fail("it was loaded"));
  await staged.service.stop();
  await staged.environment.clock.advance(1_000);
});
