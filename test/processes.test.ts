/** How strangers' programs are run and ended, for the clients' suite and the brokers beside it. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { identityOf, isAlive, untilEnded } from "../scripts/brokers/processes.ts";
import { answersMetadata } from "../scripts/brokers/probe.ts";
import { freePorts } from "../scripts/process/free-port.ts";
import { ProgramFailed, runProgram } from "../scripts/process/run-program.ts";

test("a program that outlives its time is killed with all that it has started", async () => {
  const run = runProgram("sh", ["-c", "sleep 1000 & echo $!; wait"], { timeoutMs: 300 });
  const failure: unknown = await run.catch((error: unknown) => error);
  assert.ok(failure instanceof ProgramFailed);
  assert.match(failure.message, /did not end within 300 ms/);
  const started = Number(failure.output.stdout.trim());
  assert.ok(started > 1);
  const identity = identityOf(started);
  assert.ok(identity === undefined || (await untilEnded(identity, 5000)));
});

test("a failure tells the exit code and what the program wrote", async () => {
  const run = runProgram("sh", ["-c", "echo out; echo err >&2; exit 3"]);
  await assert.rejects(run, /ended with 3\nout\nerr$/);
});

test("a process is known by its start, not by its id alone", () => {
  const own = identityOf(process.pid);
  assert.ok(own !== undefined && isAlive(own));
  assert.ok(!isAlive({ ...own, startTicks: own.startTicks - 1 }));
});

test("nobody answers at a port that nobody has", async () => {
  const ports = await freePorts(3);
  assert.equal(new Set(ports).size, 3);
  assert.equal(await answersMetadata({ host: "127.0.0.1", port: ports[0]! }), false);
});
