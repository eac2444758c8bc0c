/** Commands that start something and keep it going. */

import { Option, type Command } from "commander";
import { act, examples, wholeNumber } from "./define.ts";

export function addRunning(program: Command): void {
  const load = (): Promise<typeof import("../commands/running/start.ts")> =>
    import("../commands/running/start.ts");
  const port = new Option("--port <number>", "the door's port (default: 4370, or any free one)");
  port.argParser(wholeNumber);
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
  program
    .command("dev")
    .description("run everything, and again whenever a source file changes")
    .addOption(port)
    .addOption(breaking)
    .addHelpText("after", examples("millrace dev"))
    .action(act(async () => (await import("../commands/running/dev.ts")).dev, { logs: true }));
  program
    .command("run")
    .description("run the broker, the door and the services of the configuration, until stopped")
    .argument("[service]", "this one alone, with its own store")
    .addOption(port)
    .addOption(breaking)
    .addOption(new Option("--supervised").hideHelp())
    .addHelpText("after", examples("millrace run", "millrace run payments --port 4371"))
    .action(act(async () => (await load()).run, { logs: true }));
  program
    .command("start")
    .description("run the broker and the door, without services, until stopped")
    .addOption(port)
    .addOption(breaking)
    .addHelpText("after", examples("millrace start --port 4370"))
    .action(act(async () => (await load()).start, { logs: true }));
}
