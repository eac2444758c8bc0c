import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createAdmin } from "../admin/create-admin.ts";
import { embedded } from "../embedded/embedded.ts";
import { openBrokers } from "../host/brokers.ts";
import { openDoor } from "../host/door.ts";
import { SILENT_LOG } from "../host/logger.ts";
import { createRealEnvironment } from "../host/real-environment.ts";
import { createRegistry } from "../schema/registry.ts";
import type { CommandContext } from "./context.ts";
import { brokerDirectoryIn } from "./project.ts";
import { openSession } from "./session.ts";
import { createOutput } from "./terminal/output.ts";

/** A command whose every wait is told to the test instead of lasting. */
function contextIn(folder: string, waiting: (elapsedMs: number) => Promise<void>): CommandContext {
  const environment = createRealEnvironment(SILENT_LOG);
  let nowMs = 0;
  const clock = {
    ...environment.clock,
    monotonic: () => nowMs,
    after: (delayMs: number, callback: () => void) => {
      nowMs += delayMs;
      const wait = async (): Promise<void> => {
        await waiting(nowMs);
        callback();
      };
      void wait();
      return { cancel: () => undefined };
    },
  };
  const { stdin, stdout, stderr } = process;
  return {
    options: {},
    output: createOutput({ stdout, stderr, json: false }),
    environment: { ...environment, clock },
    signal: new AbortController().signal,
    by: "a test",
    folder,
    stdin,
    stderr,
  };
}

test("a command waits for the door of a process that is starting, and not for ever", async () => {
  const folder = await mkdtemp(join(tmpdir(), "millrace-session-"));
  try {
    const environment = createRealEnvironment(SILENT_LOG);
    const directory = brokerDirectoryIn(join(folder, ".millrace"));
    await using starting = new AsyncDisposableStack();
    const brokers = starting.use(
      await openBrokers({ broker: embedded({ directory }) }, environment),
    );
    let waitedMs = 0;
    const never = contextIn(folder, async (elapsedMs) => void (waitedMs = elapsedMs));
    await assert.rejects(openSession(never), { code: "DIRECTORY_IN_USE" });
    assert.ok(waitedMs >= 5_000 && waitedMs < 6_000, `waited ${waitedMs} ms`);

    const { streams, queues } = brokers;
    const registry = createRegistry([]);
    const admin = starting.use(createAdmin({ streams, queues, registry, environment }));
    let opened = false;
    const late = contextIn(folder, async (elapsedMs) => {
      if (elapsedMs < 1_000 || opened) return;
      opened = true;
      starting.use(
        await openDoor({ admin, environment, settings: { port: 0 }, directory, access: {} }),
      );
    });
    await using session = await openSession(late);
    assert.equal(session.through, "door");
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
