/**
 * The commands by name. What a command does stands in `commands/` and is loaded only when it is
 * called, so the start of each pays for its own imports alone.
 */

import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { EXIT, MillraceError, type ExitCode } from "../model/errors.ts";
import type { CommandContext, GlobalOptions } from "./context.ts";
import { runCommand } from "./run-command.ts";

/** Parses the command line, runs the command and sets the process's exit code. */
export async function main(argv: readonly string[]): Promise<void> {
  const program = createProgram({ json: argv.includes("--json") });
  try {
    await program.parseAsync([...argv]);
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Commander has already said what is wrong; asking for help is no failure.
    process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  }
}

type Run<Options> = (
  context: CommandContext,
  options: Options,
  ...args: string[]
) => Promise<ExitCode>;

/** The action of a command: its own options first, then its arguments. */
function act<Options extends GlobalOptions>(
  load: () => Promise<Run<Options>>,
  { logs = false }: { readonly logs?: boolean } = {},
): (this: Command, ...given: unknown[]) => Promise<void> {
  return async function action(this: Command): Promise<void> {
    const options = this.optsWithGlobals<Options>();
    process.exitCode = await runCommand(
      async (context) => (await load())(context, options, ...this.args),
      { options, logs },
    );
  };
}

function wholeNumber(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("It must be a whole number.");
}

const list = (text: string, before: readonly string[] = []): readonly string[] => [
  ...before,
  ...text.split(",").filter((item) => item !== ""),
];

const each = (text: string, before: readonly string[] = []): readonly string[] => [...before, text];

/** With `json` wrong usage is told as JSON, as every other error is. */
export function createProgram({ json = false }: { readonly json?: boolean } = {}): Command {
  const program = new Command("millrace")
    .description("Event-driven services and their durable broker, on one machine with one command.")
    .option("--json", "data as JSON: one document, or a line an item where items stream")
    .option("--data <directory>", "the data directory (also MILLRACE_DATA)")
    .option("--config <file>", "the configuration (default: millrace.config.ts here)")
    .option("--debug", "log more, and show where an error came from")
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false })
    .showHelpAfterError(json ? false : "(--help shows how the command is used)")
    .configureOutput({ outputError: (text, write) => write(json ? usageErrorJson(text) : text) })
    .exitOverride();
  addServers(program);
  addMessages(program);
  addNouns(program);
  addFailures(program);
  addContracts(program);
  program
    .command("doctor")
    .description("check this machine, the configuration and the data; exit 3 if something is wrong")
    .action(act(async () => (await import("./commands/checking/doctor.ts")).doctor));
  return program;
}

function usageErrorJson(text: string): string {
  const error = new MillraceError("BAD_ARGUMENT", text.replace(/^error: /, "").trim());
  return `${JSON.stringify({ error })}\n`;
}

function addServers(program: Command): void {
  const port = new Option("--port <number>", "the door's port (default: 4370, or any free one)");
  port.argParser(wholeNumber);
  program
    .command("start")
    .description("run the broker and the door, without services, until stopped")
    .addOption(port)
    .action(act(async () => (await import("./commands/running/start.ts")).start, { logs: true }));
  program
    .command("run")
    .description("run the broker, the door and all services of the configuration, until stopped")
    .addOption(port)
    .addOption(new Option("--supervised").hideHelp())
    .action(act(async () => (await import("./commands/running/start.ts")).run, { logs: true }));
  program
    .command("dev")
    .description("as run, and again whenever a source file changes")
    .addOption(port)
    .action(act(async () => (await import("./commands/running/dev.ts")).dev, { logs: true }));
}

function addMessages(program: Command): void {
  program
    .command("publish")
    .description("publish a message, or the lines of JSON from standard input")
    .argument("[json]", "one message; without it, messages are read from standard input")
    .option("--type <type>", "the whole JSON is the payload of a message of this type")
    .option("--type-field <path>", "the same, with the type from this field of the payload")
    .option("--key <key>", "the partition key")
    .option("--key-field <path>", "the field of the payload that holds the key: repo.name")
    .option("--id-field <path>", "the field that holds the id: published twice, it counts once")
    .option("--time-field <path>", "the field that holds the time of the event")
    .option("--source <name>", "who publishes")
    .option("--to <target>", "stream:NAME or queue:NAME, where the type alone does not say")
    .option("--rate <rate>", "at most so many: 100/s, 30/m")
    .action(act(async () => (await import("./commands/messages/publish.ts")).publish));
  const reading = (command: Command): Command =>
    command
      .argument("<stream>")
      .option("--partition <number>", "only this partition", wholeNumber)
      .option("--type <types>", "only these types or classes: order.placed,payment.*", list)
      .option("--key <key>", "only this key");
  reading(program.command("read"))
    .description("the messages of a stream")
    .option("--from <offset>", "start, end, -10, +5, 123, @2026-01-01T00:00 or 0:120,1:7", "start")
    .option("--limit <count>", "at most so many messages", wholeNumber)
    .action(act(async () => (await import("./commands/messages/read.ts")).read));
  reading(program.command("tail"))
    .description("the newest messages of a stream, and further ones as they come")
    .option("--from <offset>", "where to begin, as for read", "-10")
    .option("--limit <count>", "end after so many messages", wholeNumber)
    .action(act(async () => (await import("./commands/messages/read.ts")).tail));
  program
    .command("find")
    .description("the documents of a view")
    .argument("<view>")
    .argument("[id]", "one document")
    .option("--where <condition>", "on an indexed field or id: status=open, total>=5", each)
    .option("--order <field>", "an indexed field or id; -FIELD for descending")
    .option("--limit <count>", "at most so many documents (default: 100)", wholeNumber)
    .option("--after <cursor>", "go on after the page that ended with this cursor")
    .action(act(async () => (await import("./commands/messages/find.ts")).find));
}

function addNouns(program: Command): void {
  const load = (): Promise<typeof import("./commands/looking/list.ts")> =>
    import("./commands/looking/list.ts");
  const stream = program.command("stream").description("the broker's streams");
  stream
    .command("ls")
    .description("all streams")
    .action(act(async () => (await load()).listStreams));
  stream
    .command("info")
    .description("one stream with its partitions")
    .argument("<stream>")
    .action(act(async () => (await load()).describeStream));
  const queue = program.command("queue").description("the broker's queues");
  queue
    .command("ls")
    .description("all queues")
    .action(act(async () => (await load()).listQueues));
  queue
    .command("info")
    .description("one queue")
    .argument("<queue>")
    .action(act(async () => (await load()).describeQueue));
  const group = program.command("group").description("groups of readers and their positions");
  group
    .command("ls")
    .description("all groups")
    .action(act(async () => (await load()).listGroups));
  group
    .command("info")
    .description("one group, partition by partition")
    .argument("<group>")
    .action(act(async () => (await load()).describeGroup));
  group
    .command("seek")
    .description("move a stopped group, or a service's part by SERVICE.PART")
    .argument("<group>")
    .argument("<stream>")
    .requiredOption("--to <offset>", "start, end, -10, +5, 123, @2026-01-01T00:00 or 0:120,1:7")
    .option("--partition <number>", "only this partition", wholeNumber)
    .option("--dry-run", "only show what would move")
    .option("--yes", "do not ask")
    .action(act(async () => (await import("./commands/repairing/seek.ts")).seek));
  program
    .command("lag")
    .description("how far each part of each service is behind")
    .action(act(async () => (await load()).lag));
  program
    .command("describe")
    .description("services, streams, queues and groups at one look")
    .action(act(async () => (await import("./commands/looking/describe.ts")).describe));
}

function addFailures(program: Command): void {
  const load = (): Promise<typeof import("./commands/repairing/dlq.ts")> =>
    import("./commands/repairing/dlq.ts");
  const dlq = program
    .command("dlq")
    .description("dead letters of queues, and messages parked in stores");
  const filtered = (command: Command): Command =>
    command
      .option("--queue <queue>", "of this queue")
      .option("--part <part>", "of this part: SERVICE.PART");
  filtered(dlq.command("ls"))
    .description("all failures")
    .option("--limit <count>", "at most so many (default: 100)", wholeNumber)
    .option("--after <ref>", "go on after this one")
    .action(act(async () => (await load()).list));
  dlq
    .command("show")
    .description("one failure with its cause and its message")
    .argument("<ref>")
    .action(act(async () => (await load()).show));
  const repairing = (command: Command): Command =>
    filtered(command)
      .argument("[refs...]", "what dlq ls shows: q:order-desk:17 s:shop:refunds:42")
      .option("--all", "all of them, everywhere")
      .option("--dry-run", "only count");
  repairing(dlq.command("redrive"))
    .description("let failures run again, in their order")
    .action(act(async () => (await load()).redrive));
  repairing(dlq.command("discard"))
    .description("remove failures for good")
    .option("--yes", "do not ask")
    .action(act(async () => (await load()).discard));
}

function addContracts(program: Command): void {
  const contract = program
    .command("contract")
    .description("the schemas that services share, kept in contracts.lock.json");
  contract
    .command("lock")
    .description("write the lock file from the configuration's declarations")
    .option("--file <file>", "the lock file", "contracts.lock.json")
    .option("--yes", "also where readers would break")
    .option("--dry-run", "only show what would change")
    .action(act(async () => (await import("./commands/checking/contract.ts")).lock));
  contract
    .command("check")
    .description("compare the declarations with the lock file; exit 3 if a reader would break")
    .option("--file <file>", "the lock file", "contracts.lock.json")
    .action(act(async () => (await import("./commands/checking/contract.ts")).check));
}
