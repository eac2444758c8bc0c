/** The command line as its users meet it: processes, standard streams and exit codes. */

import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { type Ended, exitOf, lineOf, MAIN, ROOT, runCli, startCli } from "./cli-stage.test.ts";

const SHOP = `
import * as z from "zod";
import { command, consumer, event, queue, service, stream, view } from "millrace";
const Placed = event("order.placed", z.object({ orderId: z.string(), total: z.number() }), { key: (e) => e.orderId });
const Cancel = command("order.cancel", z.object({ orderId: z.string() }), { key: (c) => c.orderId });
const orders = stream("orders", { Placed }, { partitions: 1 });
const desk = queue("desk", { Cancel }, { attempts: 1 });
const totals = view("totals", { from: orders, initial: { total: 0 }, index: ["total"] })
  .evolve({ Placed: (s, e) => ({ total: s.total + e.total }) });
const cancels = consumer("cancels", { from: desk }).handle({ Cancel: () => { throw new Error("cannot cancel"); } });
export const shop = service("shop", { totals, cancels });
`;
const CONFIG = `
import { defineConfig } from "millrace";
import { shop } from "./shop.ts";
export default defineConfig({ services: [shop], http: { port: 0 } });
`;

let folder = "";
let running: ChildProcess | undefined;

const start = (args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess =>
  startCli(args, { folder, env });

const millrace = (
  args: readonly string[],
  input = "",
  env: NodeJS.ProcessEnv = {},
): Promise<Ended> => runCli(args, { folder, input, env });

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "millrace-cli-"));
  await mkdir(join(folder, "node_modules"));
  await symlink(ROOT, join(folder, "node_modules/millrace"));
  await symlink(join(ROOT, "node_modules/zod"), join(folder, "node_modules/zod"));
  await writeFile(join(folder, "package.json"), '{"type":"module"}');
  await writeFile(join(folder, "shop.ts"), SHOP);
  await writeFile(join(folder, "millrace.config.ts"), CONFIG);
});

after(async () => {
  if (running !== undefined && running.exitCode === null) {
    const gone = exitOf(running);
    running.kill("SIGKILL");
    await gone;
  }
  await rm(folder, { recursive: true, force: true });
});

const order = (orderId: string, total: unknown): string =>
  `${JSON.stringify({ type: "order.placed", data: { orderId, total } })}\n`;

test("npx millrace in this repository runs its sources, without a build", async () => {
  const tools: { bin: { millrace: string } } = JSON.parse(
    await readFile(join(ROOT, "tools/package.json"), "utf8"),
  );
  const env = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env["PATH"]}` };
  const child = spawn(join(ROOT, "tools", tools.bin.millrace), ["--help"], { env });
  let stdout = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  assert.equal(await exitOf(child), 0);
  assert.match(stdout, /^Usage: millrace /);
});

test("usage errors end with 2 and go to standard error", async () => {
  const [unknown, missing] = await Promise.all([
    millrace(["publsh"]),
    millrace(["stream", "info"]),
  ]);
  assert.equal(unknown.code, 2);
  assert.match(unknown.stderr, /unknown command 'publsh'.*\n?.*Did you mean publish/);
  assert.equal(missing.code, 2);
  assert.equal(missing.stdout, "");
  const { stderr } = await millrace(["read", "--limit", "some", "orders", "--json"]);
  const { error } = JSON.parse(stderr);
  assert.equal(error.code, "BAD_ARGUMENT");
  assert.match(error.message, /--limit.*whole number/);
});

test("without a running process a command opens the directory itself", async () => {
  const published = await millrace(["publish", "--json", order("a", 5)]);
  assert.equal(published.code, 0, published.stderr);
  assert.deepEqual(JSON.parse(published.stdout).target, { kind: "stream", name: "orders" });
  const read = await millrace(["read", "orders", "--json"]);
  const [line = "", ...others] = read.stdout.trimEnd().split("\n");
  assert.deepEqual(others, []);
  assert.deepEqual(JSON.parse(line).data, { orderId: "a", total: 5 });
});

test("bad lines are reported one by one, good ones are published, and the exit code is 1", async () => {
  const input = `${order("b", 1)}${order("b", "much")}{"type":\n{"data":1}\n${order("c", 2)}`;
  const { code, stderr, stdout } = await millrace(["publish"], input);
  assert.equal(code, 1);
  assert.equal(stdout, "");
  assert.match(stderr, /line 2: .*total.*\(BAD_PAYLOAD\)/);
  assert.match(stderr, /line 3: .*\(BAD_JSON\)/);
  assert.match(stderr, /line 4: .*type.*\(BAD_ENVELOPE\)/);
  assert.match(stderr, /2 published, 3 failed/);
});

test("a configuration with an unknown key is refused with 2 and the nearest key", async () => {
  await writeFile(join(folder, "wrong.config.ts"), "export default { services: [], brokre: 1 };");
  const { code, stderr } = await millrace(["lag", "--config", "wrong.config.ts"]);
  assert.equal(code, 2);
  assert.match(stderr, /brokre is not a known key; did you mean broker\? \(BAD_CONFIG\)/);
});

test("a process at work is reached through its door, and its directory cannot be opened twice", async () => {
  running = start(["run", "--json"]);
  const ready: { url: string } = JSON.parse(await lineOf(running, /"url"/));
  assert.match(ready.url, /^http:\/\/127\.0\.0\.1:\d+$/);
  for (const second of await Promise.all([millrace(["run"]), millrace(["dev"])])) {
    assert.equal(second.code, 5);
    assert.match(second.stderr, /\(DIRECTORY_IN_USE\)/);
    assert.doesNotMatch(second.stderr, /waiting for a change/);
  }
  const described = await millrace(["describe", "--json"]);
  const [service] = JSON.parse(described.stdout).services;
  assert.equal(service.status[0].state, "running");
});

test("on a Node that is too old one sentence says so, and nothing newer is loaded", async () => {
  // An older Node takes the file as it is: there are no types in it, and it imports nothing by itself.
  const older = `Object.defineProperty(process, "versions", { value: { node: "20.11.0" } }); import(${JSON.stringify(MAIN)});`;
  const child = spawn(process.execPath, ["-e", older]);
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  assert.equal(await exitOf(child), 1);
  assert.match(
    stderr,
    /^millrace: this is Node 20\.11\.0, and millrace needs Node 24 or newer; install .*\n$/,
  );
  const source = await readFile(MAIN, "utf8");
  assert.doesNotMatch(source, /^import\b|\?\.|\?\?|\bawait\b|: [A-Z]\w+ =/m);
});

test("a start that would break a reader of the locked contract is refused with its name", async () => {
  const locked = join(folder, "contracts.lock.json");
  assert.equal((await millrace(["contract", "lock"])).code, 0);
  await writeFile(join(folder, "shop.ts"), SHOP.replace("total: z.number()", "total: z.string()"));
  try {
    const refused = await millrace(["run"]);
    assert.equal(refused.code, 3);
    assert.match(refused.stderr, /order\.placed.*not safe for shop;.*--yes.*\(CONTRACT_BROKEN\)/);
    assert.equal((await millrace(["run", "nobody", "--yes"])).code, 4);
  } finally {
    await writeFile(join(folder, "shop.ts"), SHOP);
    await rm(locked);
  }
});

test("bad input gets a named error, the next step, and its documented exit code", async () => {
  const cases: readonly (readonly [args: readonly string[], code: number, text: RegExp])[] = [
    [["read", "nowhere"], 4, /nowhere.*millrace stream ls.*\(UNKNOWN_STREAM\)/],
    [["read", "orders", "--from", "99"], 1, /\(OFFSET_OUT_OF_RANGE\)/],
    [["read", "orders", "--from", "soon"], 2, /\(BAD_ARGUMENT\)/],
    [
      ["publish", `${"[".repeat(5_000)}${"]".repeat(5_000)}`, "--type", "order.placed"],
      1,
      /\(BAD_/,
    ],
    [["stream", "ls", "--data", "no-such"], 2, /no data directory at .*no-such.*\(BAD_ARGUMENT\)/],
    [["find", "nothing"], 4, /\(UNKNOWN_VIEW\)/],
    [["find", "totals", "z"], 4, /has no document "z"/],
    [["dlq", "discard"], 2, /nothing is chosen.*\(BAD_ARGUMENT\)/],
    [
      ["group", "seek", "shop.totals", "orders", "--to", "end"],
      5,
      /--yes.*\(CONFIRMATION_NEEDED\)/,
    ],
  ];
  const endings = await Promise.all(cases.map(([args]) => millrace(args)));
  for (const [index, [args, code, text]] of cases.entries()) {
    const ended = endings[index]!;
    assert.match(ended.stderr, text, args.join(" ").slice(0, 80));
    assert.equal(ended.code, code, `${args.join(" ").slice(0, 80)}: ${ended.stderr}`);
    assert.doesNotMatch(ended.stderr, /\n\s+at /, "a stack was shown");
  }
  assert.ok(!existsSync(join(folder, "no-such")), "looking made a directory");
  const large = await millrace(["publish"], order("a", "x".repeat(3_000_000)));
  assert.match(large.stderr, /line 1: .*\(TOO_LARGE\)/);
  assert.equal(large.code, 1);
});

test("an error is JSON with --json, and shows its stack with --debug", async () => {
  const { stderr, stdout } = await millrace(["read", "nowhere", "--json", "--debug"]);
  assert.equal(stdout, "");
  const last = JSON.parse(stderr.trimEnd().split("\n").at(-1) ?? "");
  assert.equal(last.error.code, "UNKNOWN_STREAM");
  assert.match(last.error.stack, /\n\s+at /);
});

test("what was published before the start is in the views, and failures can be looked at and removed", async () => {
  const cancelled = await millrace(["publish", '{"type":"order.cancel","data":{"orderId":"a"}}']);
  assert.equal(cancelled.code, 0, cancelled.stderr);
  let failures: { ref: string }[] = [];
  for (let tries = 0; failures.length === 0 && tries < 20; tries++) {
    failures = JSON.parse((await millrace(["dlq", "ls", "--json"])).stdout);
  }
  const [failure] = failures;
  assert.ok(failure);
  assert.match((await millrace(["dlq", "show", failure.ref])).stdout, /cannot cancel/);
  assert.equal((await millrace(["dlq", "discard", failure.ref])).code, 5);
  assert.equal((await millrace(["dlq", "discard", failure.ref, "--yes"])).code, 0);
  const found = await millrace([
    "find",
    "totals",
    "--where",
    "total>=1",
    "--order",
    "-total",
    "--json",
  ]);
  assert.deepEqual(JSON.parse(found.stdout).documents, [
    { id: "a", data: { total: 5 } },
    { id: "c", data: { total: 2 } },
    { id: "b", data: { total: 1 } },
  ]);
});

test("Ctrl-C ends a tail with 130, and a reader that goes ends it quietly", async () => {
  const tail = start(["tail", "orders", "--from", "start"]);
  const ended = exitOf(tail);
  await lineOf(tail, /order\.placed/);
  tail.kill("SIGINT");
  assert.equal(await ended, 130);

  const piped = start(["tail", "orders", "--from", "start"]);
  let stderr = "";
  piped.stderr?.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const quiet = exitOf(piped);
  await lineOf(piped, /order\.placed/);
  piped.stdout?.destroy();
  await millrace(["publish", order("d", 1)]);
  assert.equal(await quiet, 0);
  assert.equal(stderr, "");
});

test("SIGTERM stops a process in good order; after SIGKILL its door file misleads nobody", async () => {
  const door = join(folder, ".millrace/broker/door.json");
  assert.ok(running);
  const stopped = exitOf(running);
  running.kill("SIGTERM");
  assert.equal(await stopped, 0);
  assert.ok(!existsSync(door));

  running = start(["start"]);
  await lineOf(running, /ready in \d+ ms/);
  const killed = exitOf(running);
  running.kill("SIGKILL");
  await killed;
  assert.ok(existsSync(door));
  const { code, stdout, stderr } = await millrace(["stream", "ls"]);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^orders +1 +4 /m);
});

test("the doctor finds no problem here, and a broken configuration elsewhere", async () => {
  const well = await millrace(["doctor", "--json"]);
  const states = JSON.parse(well.stdout).map(({ state }: { state: string }) => state);
  assert.ok(!states.includes("problem"), well.stdout);
  assert.equal(well.code, 0);
  const ill = await millrace(["doctor", "--config", "wrong.config.ts"]);
  assert.equal(ill.code, 3);
  assert.match(ill.stdout, /configuration +problem/);
});

test("a token of the environment that could be guessed is refused, by start as by dev", async () => {
  for (const command of ["start", "dev"]) {
    const { code, stderr, stdout } = await millrace([command], "", { MILLRACE_TOKEN: "short" });
    assert.equal(code, 2, stderr);
    assert.match(stderr, /at least 16/);
    assert.doesNotMatch(stdout, /ready/);
  }
});

test("dev runs the services anew when a module changes, and keeps the data", async () => {
  const dev = start(["dev"]);
  const ended = exitOf(dev);
  const notes = createInterface({ input: dev.stderr! });
  const said: string[] = [];
  const again = new Promise<string>((found) => {
    notes.on("line", (line) => {
      said.push(line);
      if (line.includes("ready again")) found(line);
    });
  });
  try {
    await lineOf(dev, /ready in/);
    await writeFile(join(folder, "shop.ts"), SHOP.replace("s.total + e.total", "s.total + 100"));
    assert.match(await again, /shop\.ts changed; ready again in/);
    assert.doesNotMatch(said.join("\n"), /stopping/, "a restart looked like a stop");
    await millrace(["publish", order("e", 1)]);
    let stdout = "";
    for (let tries = 0; !stdout.includes("100") && tries < 10; tries++) {
      ({ stdout } = await millrace(["find", "totals", "e"]));
    }
    assert.equal(stdout, '{"total":100}\n');
    assert.equal((await millrace(["find", "totals", "a"])).stdout, '{"total":5}\n');
  } finally {
    dev.kill("SIGINT");
  }
  assert.equal(await ended, 130);
});
