/** The process under attack: an embedded broker with a Kafka door, which tells what it takes when asked. */

import { embedded } from "../../src/embedded/embedded.ts";
import { createLog } from "../../src/host/logger.ts";
import { createRealEnvironment } from "../../src/host/real-environment.ts";
import { passwords } from "../../src/host/sign-in/passwords.ts";

export interface ServerFacts {
  readonly residentBytes: number;
  readonly cpuMs: number;
  readonly warnings: number;
  readonly errors: number;
}

const [directory = "", mode = "open"] = process.argv.slice(2);
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
const factory = embedded({ directory, freeBytesMin: 0, kafka: { port: 0 } });
const access = {
  signIn: passwords({ users: { ann: { password: "pencil" } } }),
  rules: [{ principal: "ann", actions: "*", resources: { kind: "*", name: "*" } }] as const,
};
const broker = await factory.open(createRealEnvironment(log), mode === "open" ? {} : access);

process.on("message", () => {
  const facts: ServerFacts = {
    residentBytes: process.memoryUsage.rss(),
    cpuMs: (process.cpuUsage().user + process.cpuUsage().system) / 1_000,
    warnings: lines.warn,
    errors: lines.error,
  };
  process.send!({ facts });
});
process.on("disconnect", () => process.exit(0));
process.send!({ port: broker.addresses![0]!.port });
