/**
 * The hostile suite: clients that do nothing wrong work while others attack the Kafka door, each attack
 * in a process of its own.
 *
 * `npm run hostile -- [--only a,b] [--ms 5000] [--share 0.1] [--seed N]`
 *
 * Prints for each attack what was done, how long healthy clients waited without it and with it, and
 * what memory the server took at most. "Without" means that the same attack goes on against another
 * server, in turn: what attackers and the machine's other work take of its cores would otherwise be
 * measured with the door. Exits with 0 when the server lived, healthy clients were
 * answered throughout, their p99 stayed below twice what it was, memory below its bound, and nothing
 * was logged as a defect.
 */

import { parseArgs } from "node:util";
import { text, wireBytes } from "../../src/embedded/log/log-stage.test.ts";
import { ATTACKS, LARGE_TOPIC, type Counts } from "./attacks.ts";
import { Client } from "./client.ts";
import { createTopic, HealthyClients, percentile, produce } from "./healthy.ts";
import { startAttack, startServer, type Attacker } from "./stage.ts";

const MIB = 1024 * 1024;
/** The door's own bound, one frame beyond it, and what the process takes without any client. */
const RESIDENT_BYTES_MAX = 1024 * MIB;
/** Below it a p99 says more about the machine than about the server. */
const NOISE_MS = 5;
const SAMPLE_MS = 200;
const ROUNDS = 2;

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    ms: { type: "string", default: "5000" },
    share: { type: "string", default: "1" },
    seed: { type: "string" },
  },
});
const durationMs = Number(values.ms);
const share = Number(values.share);
const seed = values.seed === undefined ? Date.now() % 1_000_000 : Number(values.seed);
const names = values.only?.split(",") ?? Object.keys(ATTACKS);

console.log(`seed ${seed}, ${durationMs} ms each, share ${share}`);
let failures = 0;
for (const name of names) {
  if (ATTACKS[name] === undefined) {
    console.error(`there is no attack ${name}; there are ${Object.keys(ATTACKS).join(", ")}`);
    process.exit(2);
  }
  if (!(await attacked(name))) failures++;
}
console.log(failures === 0 ? "held" : `${failures} of ${names.length} did not hold`);
process.exit(failures === 0 ? 0 : 1);

async function attacked(name: string): Promise<boolean> {
  await using server = await startServer();
  await using decoy = await startServer();
  if (name === "stalled-readers") for (const { port } of [server, decoy]) await fill(port);
  const healthy = await HealthyClients.open(server.port);
  await healthy.work(durationMs / 2);
  const calm: number[] = [];
  const under: number[] = [];
  const done: Counts = {};
  let residentBytes = 0;
  let asking: Promise<void> = Promise.resolve();
  const sample = async (): Promise<void> => {
    residentBytes = Math.max(residentBytes, (await server.facts()).residentBytes);
  };
  const sampler = setInterval(() => {
    asking = asking.then(sample);
  }, SAMPLE_MS);
  for (let round = 0; round < ROUNDS; round++) {
    calm.push(...(await measured(healthy, startAttack(name, decoy.port, seed + round, share), {})));
    under.push(
      ...(await measured(healthy, startAttack(name, server.port, seed + round, share), done)),
    );
  }
  clearInterval(sampler);
  await asking;
  const { errors, warnings } = await server.facts();
  healthy.close();
  const [before, after] = [percentile(calm, 0.99), percentile(under, 0.99)];
  const slow = after >= 2 * before && after > NOISE_MS;
  const held = server.alive && !slow && residentBytes < RESIDENT_BYTES_MAX && errors === 0;
  const shown = Object.entries(done).map(([what, count]) => `${count} ${what}`);
  const told = (taken: readonly number[]): string =>
    `${taken.length} answers, p50 ${percentile(taken, 0.5).toFixed(1)} p99 ${percentile(taken, 0.99).toFixed(1)} ms`;
  console.log(
    [
      `${held ? "held" : "FAILED"} ${name}: ${shown.join(", ")}`,
      `  healthy: ${told(calm)} calm; ${told(under)} under attack (x${(after / before).toFixed(2)})`,
      `  server: ${Math.round(residentBytes / MIB)} MiB at most, ${warnings} warnings, ${errors} errors`,
    ].join("\n"),
  );
  return held;
}

/** Work goes on while the attacker sets up; it is measured from then on. */
async function measured(
  healthy: HealthyClients,
  attack: Attacker,
  done: Counts,
): Promise<readonly number[]> {
  const ready = attack.ready.then(() => "ready" as const);
  while ((await Promise.race([ready, healthy.work(SAMPLE_MS)])) !== "ready");
  const taken = await healthy.work(durationMs / ROUNDS);
  for (const [what, count] of Object.entries(await attack.stop())) {
    done[what] = (done[what] ?? 0) + count;
  }
  return taken;
}

async function fill(port: number): Promise<void> {
  const client = await Client.open(port);
  await createTopic(client, LARGE_TOPIC);
  const records = wireBytes([text("x".repeat(900 * 1024))]);
  for (let count = 0; count < 64; count++) await produce(client, LARGE_TOPIC, records);
  client.socket.destroy();
}
