import assert from "node:assert/strict";
import { test } from "node:test";
import { LIMITS } from "../settings.ts";
import { createServerConnection } from "./rhea.ts";
import { beStrict } from "./strict-performatives.ts";

test("what fails while frames are written fails the connection, not the process", async () => {
  const { connection } = createServerConnection({
    id: "test",
    frameBytesMax: 4_096,
    sessionsMax: 1,
    unsettledMax: 1,
  });
  const failure = await new Promise((failed) => {
    beStrict(connection, {
      limits: LIMITS,
      opened: () => {},
      onAttach: () => {},
      incomingOf: () => undefined,
      received: () => {},
      told: () => {},
      changed: () => {},
      failed,
    });
    const broken = {
      _process: () => {
        throw new Error("a session that cannot be written");
      },
    };
    Object.assign(connection.local_channel_map, { 0: broken });
    connection._register();
  });
  assert.match(String(failure), /a session that cannot be written/);
});
