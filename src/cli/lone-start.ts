/** Whether a command line starts the broker alone, so that nothing of a program's own is loaded. */

import { parseArgs } from "node:util";
import { findConfig } from "../host/config-file.ts";
import type { StartOptions } from "./commands/running/serving.ts";

/** Every option of such a start but those that it leaves to the command line's own parser. */
const OPTIONS = {
  json: { type: "boolean" },
  data: { type: "string" },
  debug: { type: "boolean" },
  yes: { type: "boolean" },
  "http-port": { type: "string" },
  "kafka-port": { type: "string" },
  "amqp-port": { type: "string" },
} as const;
const PORT = /^\d{1,15}$/;

/**
 * What `millrace start` is told where there is no configuration, or undefined for every other command
 * line. Such a start runs from the bundle (`scripts/bundle.ts`): a configuration would bring its own
 * copy of the package's modules with it.
 *
 * Node's parser suffices for it, and the commands of `program.ts` need not be made, which is a tenth of
 * the time to its first answer. Whatever is not plain is undefined too: help, and what is wrong, are
 * told there. If an option is added there, add it here; a test compares them.
 */
export function loneStart(argv: readonly string[], folder: string): StartOptions | undefined {
  const [, , command, ...args] = argv;
  if (command !== "start") return undefined;
  const values = parse(args);
  if (values === undefined) return undefined;
  const { "http-port": http, "kafka-port": kafka, "amqp-port": amqp, ...given } = values;
  for (const port of [http, kafka, amqp]) {
    if (port !== undefined && !PORT.test(port)) return undefined;
  }
  if (findConfig(folder) !== undefined) return undefined;
  return {
    ...given,
    ...(http !== undefined && { httpPort: Number(http) }),
    ...(kafka !== undefined && { kafkaPort: Number(kafka) }),
    ...(amqp !== undefined && { amqpPort: Number(amqp) }),
  };
}

type Values = ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>["values"];

function parse(args: string[]): Values | undefined {
  try {
    return parseArgs({ args, options: OPTIONS }).values;
  } catch {
    // What is wrong is told by the parser that knows all commands.
    return undefined;
  }
}
