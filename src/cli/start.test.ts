/** `millrace start` with its three doors, as a process of its own. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { watch } from "node:fs";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, sep } from "node:path";
import { after, before, test } from "node:test";
import { exitOf, lineOf, runCli, startCli } from "./cli-stage.test.ts";

let folder = "";
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "millrace-start-"));
});
after(() => rm(folder, { recursive: true, force: true }));

interface Ready {
  readonly url: string;
  readonly addresses: readonly { readonly protocol: string; readonly port: number }[];
}

const portsOf = (kafka: number, amqp: number, http: number): string[] => [
  `--kafka-port=${kafka}`,
  `--amqp-port=${amqp}`,
  `--http-port=${http}`,
];

/** The first bytes that the door answers with. */
async function answerOf(port: number, request: Buffer): Promise<Buffer> {
  const socket = connect(port, "127.0.0.1");
  try {
    socket.write(request);
    const [bytes]: unknown[] = await once(socket, "data");
    assert.ok(bytes instanceof Buffer);
    return bytes;
  } finally {
    socket.destroy();
  }
}

/** Of version 0: length, key and version, correlation 7, no client id. */
const API_VERSIONS = Buffer.from("0000000a0012000000000007ffff", "hex");
const AMQP_HEADER = Buffer.from("AMQP\0\x01\0\0", "latin1");

test("start serves Kafka, AMQP and HTTP on the ports that it names, until it is asked to end", async () => {
  const args = ["start", "--data", "three", ...portsOf(0, 0, 0), "--json"];
  const server = startCli(args, { folder });
  try {
    const { url, addresses }: Ready = JSON.parse(await lineOf(server, /"url"/));
    assert.deepEqual(
      addresses.map(({ protocol }) => protocol),
      ["kafka", "amqp"],
    );
    const [kafka, amqp] = addresses;
    const versions = await answerOf(kafka!.port, API_VERSIONS);
    // Its length, the correlation, no error.
    assert.equal(versions.subarray(4, 10).toString("hex"), "000000070000");
    assert.deepEqual(await answerOf(amqp!.port, AMQP_HEADER), AMQP_HEADER);
    assert.equal((await fetch(`${url}/healthz`)).status, 200);
    server.kill("SIGTERM");
    assert.equal(await exitOf(server), 0);
  } finally {
    server.kill("SIGKILL");
  }
});

test("a port that is taken is named with the remedy, whichever door wants it, and nothing stays behind", async () => {
  const taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a listener on a port has such an address
  const { port } = taken.address() as AddressInfo;
  try {
    for (const ports of [portsOf(port, 0, 0), portsOf(0, port, 0), portsOf(0, 0, port)]) {
      const refused = await runCli(["start", "--data", "taken", ...ports], { folder });
      assert.equal(refused.code, 2, refused.stderr);
      assert.equal(refused.stdout, "");
      assert.match(
        refused.stderr,
        new RegExp(`\\b${port}\\b.*another port, or 0|port ${port} .*0: any free`),
      );
      assert.match(refused.stderr, /\(BAD_CONFIG\)/);
    }
  } finally {
    taken.close();
  }
});

test("a door that other machines would reach is refused without TLS and sign-in, and says what to set", async () => {
  const start = async (config: string): Promise<string> => {
    await writeFile(join(folder, "millrace.config.mjs"), `export default ${config};`);
    try {
      const args = ["start", "--data", "open", ...portsOf(0, 0, 0)];
      const { code, stdout, stderr } = await runCli(args, { folder });
      assert.deepEqual([code, stdout], [2, ""], stderr);
      return stderr;
    } finally {
      await rm(join(folder, "millrace.config.mjs"));
    }
  };
  const tls = `{ key: "key.pem", cert: "cert.pem" }`;
  const bare = await start(`{ services: [], kafka: { port: 0, host: "0.0.0.0" } }`);
  assert.match(bare, /kafka door cannot listen on 0\.0\.0\.0.*tls.* and signIn.*127\.0\.0\.1/);
  const unsigned = await start(
    `{ services: [], kafka: { port: 0, host: "0.0.0.0", tls: ${tls} } }`,
  );
  assert.match(unsigned, /kafka door .* set signIn, as passwords/);
  const plain = await start(
    `{ services: [], signIn: async () => undefined, amqp: { host: "::", port: 0 } }`,
  );
  assert.match(plain, /amqp door cannot listen on ::.* set amqp: \{ tls: \{ key, cert \} \}, or/);
});

test("a server that is killed has kept its compiled code for the next start", async () => {
  const cache = join(folder, "compiled");
  const args = ["start", "--data", "killed", ...portsOf(0, 0, 0), "--json"];
  const server = startCli(args, { folder, env: { NODE_COMPILE_CACHE: cache } });
  try {
    await lineOf(server, /"url"/);
    // A folder for each version of Node, with a file for each module.
    const kept = async (): Promise<number> =>
      (await readdir(cache, { recursive: true })).filter((name) => name.includes(sep)).length;
    assert.equal(await kept(), 0);
    const changes = watch(cache, { recursive: true });
    for (;;) {
      const changed = once(changes, "change");
      if ((await kept()) > 0) break;
      await changed;
    }
    changes.close();
  } finally {
    server.kill("SIGKILL");
  }
  assert.equal(await exitOf(server), null);
});
