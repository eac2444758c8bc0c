/** RabbitMQ 4: AMQP 0.9.1 and 1.0 on one port, sign-in as guest with password guest. */

import { mkdir, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import type { BrokerRecipe } from "../broker.ts";
import { answersTo } from "../probe.ts";
import { installRabbitmq } from "./install.ts";

/** The greeting of AMQP 0.9.1; the answer begins with a method frame, of type 1. */
const GREETING = Buffer.from("414d515000000901", "hex");
const METHOD_FRAME = 1;
const PLUGINS = "[rabbitmq_stream,rabbitmq_consistent_hash_exchange].\n";

export const recipe: BrokerRecipe = {
  name: "rabbitmq",
  ports: 4,
  stopMsMax: 30_000,
  install: installRabbitmq,
  launch: async ({ folder, data, ports }) => {
    const [port = 0, distributionPort = 0, mapperPort = 0, streamPort = 0] = ports;
    const home = join(data, "home");
    await mkdir(home, { recursive: true });
    await writeFile(join(data, "enabled_plugins"), PLUGINS);
    await writeFile(
      join(data, "rabbitmq.conf"),
      `stream.listeners.tcp.1 = 127.0.0.1:${streamPort}\nlog.file.level = warning\n`,
    );
    const within = (path: string): string => join("/", relative(folder, path));
    const chroot = (program: string, ...args: readonly string[]) => ({
      command: "chroot",
      args: [folder, program, ...args],
    });
    const mapper = ["-port", String(mapperPort), "-address", "127.0.0.1"];
    return {
      ...chroot("/usr/lib/rabbitmq/bin/rabbitmq-server"),
      env: {
        HOME: within(home),
        RABBITMQ_NODENAME: `millrace-${port}@localhost`,
        RABBITMQ_NODE_PORT: String(port),
        RABBITMQ_NODE_IP_ADDRESS: "127.0.0.1",
        RABBITMQ_DIST_PORT: String(distributionPort),
        ERL_EPMD_PORT: String(mapperPort),
        ERL_EPMD_ADDRESS: "127.0.0.1",
        RABBITMQ_MNESIA_BASE: within(join(data, "log")),
        RABBITMQ_LOG_BASE: within(join(data, "output")),
        RABBITMQ_PID_FILE: within(join(data, "pid")),
        RABBITMQ_CONFIG_FILE: within(join(data, "rabbitmq.conf")),
        RABBITMQ_ENABLED_PLUGINS_FILE: within(join(data, "enabled_plugins")),
        RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: "-kernel inet_dist_use_interface {127,0,0,1}",
      },
      address: { host: "127.0.0.1", port },
      // Erlang would start its own port mapper, which outlives it and whose id nobody tells.
      companion: chroot("/usr/bin/epmd", ...mapper),
      pidFile: join(data, "pid"),
    };
  },
  answers: (address) => answersTo(address, GREETING, ([first]) => first === METHOD_FRAME),
};
