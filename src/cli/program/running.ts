/** Commands that start something and keep it going. */

import { Option, type Command } from "commander";
import { act, examples, wholeNumber } from "./define.ts";

function portOption(flags: string, description: string): Option {
  return new Option(flags, description).argParser(wholeNumber);
}

export function addRunning(program: Command): void {
  const ports = [
    portOption("--http-port <number>", "the HTTP door's port (default: 4370, or any free one)"),
    portOption("--kafka-port <number>", "let Kafka clients in on this port (default: not at all)"),
    portOption(
      "--amqp-port <number>",
      "let AMQP 1.0 clients in on this port (default: not at all)",
    ),
  ];
  const breaking = new Option(
    "--yes",
    "start although a reader of the locked contract would break",
  );
  program
    .command("init")
    .description("write a project that runs: a contract, a service, a test")
    .argument("[folder]", "made where it is not there (default: this one)")
    .option("--template <name>", "which project: hello", "hello")
    .addHelpText("after", examples("millrace init my-shop"))
    .action(act(async () => (await import("../commands/running/init.ts")).init));
  const running = (name: string): Command =>
    ports.reduce((made, port) => made.addOption(port), program.command(name));
  running("dev")
    .description("run everything, and again whenever a source file changes")
    .addOption(breaking)
    .addHelpText("after", examples("millrace dev"))
    .action(act(async () => (await import("../commands/running/dev.ts")).dev, { logs: true }));
  running("run")
    .description("run the broker, its doors and the services of the configuration, until stopped")
    .argument("[service]", "this one alone, with its own store")
    .addOption(breaking)
    .addOption(new Option("--supervised").hideHelp())
    .addHelpText("after", examples("millrace run", "millrace run payments --http-port 4371"))
    .action(act(async () => (await import("../commands/running/run.ts")).run, { logs: true }));
  running("start")
    .description("run the broker and its doors, without services, until stopped")
    .addOption(breaking)
    .addHelpText("after", examples("millrace start --http-port 4370 --kafka-port 9092"))
    .action(act(async () => (await import("../commands/running/start.ts")).start, { logs: true }));
}
