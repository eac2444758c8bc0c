/**
 * The process under attack: an embedded broker with both doors, which tells what it takes when asked,
 * and reads a stream of strangers from its beginning as its own services do.
 */

import { setTimeout as after } from "node:timers/promises";
import type { Streams } from "../../src/broker/streams.ts";
import { UNREADABLE_HEADER } from "../../src/broker/unreadable-record.ts";
import { openEmbedded } from "../../src/embedded/embedded.ts";
import { createNodeDisk } from "../../src/embedded/log/open-log.ts";
import { checkOptions, withDoors } from "../../src/embedded/options.ts";
import { createLog } from "../../src/host/logger.ts";
import { createRealEnvironment } from "../../src/host/real-environment.ts";
import { passwords } from "../../src/host/sign-in/passwords.ts";
import { isMillraceError } from "../../src/model/errors.ts";
import { CONTROLS } from "./controls.ts";
import { READ_TOPIC } from "./topics.ts";

export interface ServerFacts {
  readonly residentBytes: number;
  readonly cpuMs: number;
  readonly warnings: number;
  readonly errors: number;
  /** Records of the stream that is read here. */
  readonly read: { readonly readable: number; readonly unreadable: number };
}

const [directory = "", mode = "open", control = ""] = process.argv.slice(2);
const lines = { warn: 0, error: 0 };
const log = createLog({
  level: "warn",
  format: "json",
  sink: {
    write(line) {
      if (line.includes('"level":"error"')) {
        lines.error++;
        process.stderr.write(line);
      } else lines.warn++;
    },
  },
  now: () => Date.now(),
});
const access = {
  signIn: passwords({ users: { ann: { password: "pencil" } } }),
  rules: [{ principal: "ann", actions: "*", resources: { kind: "*", name: "*" } }] as const,
};
const options = checkOptions({
  directory,
  freeBytesMin: 0,
  kafka: { port: 0 },
  amqp: { port: 0 },
});
const broker = await openEmbedded(
  createRealEnvironment(log),
  withDoors(options, mode === "open" ? {} : access),
  { disk: createNodeDisk(), doors: CONTROLS[control]?.doors ?? {} },
);
const read = { readable: 0, unreadable: 0 };
void follow(broker.streams!);

process.on("message", () => {
  const facts: ServerFacts = {
    residentBytes: process.memoryUsage.rss(),
    cpuMs: (process.cpuUsage().user + process.cpuUsage().system) / 1_000,
    warnings: lines.warn,
    errors: lines.error,
    read,
  };
  process.send!({ facts });
});
process.on("disconnect", () => process.exit(0));
const ports = Object.fromEntries(broker.addresses!.map(({ protocol, port }) => [protocol, port]));
process.send!({ ports });

async function follow(streams: Streams): Promise<void> {
  for (;;) {
    try {
      const from = { partition: 0, from: "earliest", follow: true } as const;
      for await (const records of streams.read(READ_TOPIC, from)) {
        for (const { headers } of records) {
          if (headers.some(([name]) => name === UNREADABLE_HEADER)) read.unreadable++;
          else read.readable++;
        }
      }
    } catch (error) {
      // Nobody has made it yet.
      if (!isMillraceError(error, "UNKNOWN_STREAM")) throw error;
      await after(100);
    }
  }
}
