/** Commands that bring messages in and show what became of them. */

import type { Command } from "commander";
import { act, each, examples, list, OFFSETS, wholeNumber } from "./define.ts";

export function addMessages(program: Command): void {
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
    .addHelpText(
      "after",
      examples(
        `millrace publish '{"type":"order.placed","data":{"orderId":"o1","total":5}}'`,
        "millrace publish --type-field type --id-field id --rate 100/s < events.ndjson",
      ),
    )
    .action(act(async () => (await import("../commands/messages/publish.ts")).publish));
  addCommands(program);
  addReading(program);
}

function addCommands(program: Command): void {
  const load = (): Promise<typeof import("../commands/messages/ask.ts")> =>
    import("../commands/messages/ask.ts");
  const commanding = (command: Command): Command =>
    command
      .argument("<type>", "the command's type: order.place")
      .argument("[json]", "its payload; from standard input where it is left out")
      .option("--id <id>", "the command's id: asked or sent twice, it is done once")
      .option("--key <key>", "the partition key, where the payload does not tell it")
      .option("--actor <name>", "on whose behalf")
      .option("--to <target>", "queue:NAME, where the type alone does not say");
  commanding(program.command("send"))
    .description("send a command; done when it is durable in its queue")
    .addHelpText("after", examples(`millrace send order.cancel '{"orderId":"o1"}'`))
    .action(act(async () => (await load()).send));
  commanding(program.command("ask"))
    .description("send a command and wait for its answer; exit 1 where it is refused")
    .option("--deadline <duration>", "how long the answer may take", "10s")
    .addHelpText(
      "after",
      examples(`millrace ask order.place '{"orderId":"o1","total":5}' --deadline 5s`),
    )
    .action(act(async () => (await load()).ask));
}

function addReading(program: Command): void {
  const reading = (command: Command): Command =>
    command
      .argument("<stream>")
      .option("--partition <number>", "only this partition", wholeNumber)
      .option("--type <types>", "only these types or classes: order.placed,payment.*", list)
      .option("--key <key>", "only this key");
  reading(program.command("read"))
    .description("the messages of a stream")
    .option("--from <offset>", OFFSETS, "start")
    .option("--limit <count>", "at most so many messages", wholeNumber)
    .addHelpText(
      "after",
      examples("millrace read orders --from @2026-01-01T00:00 --type 'order.*' --limit 10"),
    )
    .action(act(async () => (await import("../commands/messages/read.ts")).read));
  reading(program.command("tail"))
    .description("the newest messages of a stream, and further ones as they come")
    .option("--from <offset>", "where to begin, as for read", "-10")
    .option("--limit <count>", "end after so many messages", wholeNumber)
    .addHelpText("after", examples("millrace tail orders --json | jq .data"))
    .action(act(async () => (await import("../commands/messages/read.ts")).tail));
  program
    .command("find")
    .description("the documents of a view")
    .argument("<view>")
    .argument("[id]", "one document")
    .option("--where <condition>", "on an indexed field or id: status=open, total>=5", each)
    .option("--order <field>", "an indexed field or id; -FIELD for descending")
    .option("--limit <count>", "at most so many documents (default: 100)", wholeNumber)
    .option("--after <cursor>", "go on after the page that ended with this cursor")
    .option("--not-before <token>", "wait until the view has seen what ask answered with")
    .addHelpText(
      "after",
      examples(
        "millrace find orders-by-customer --where status=open --where 'total>=5' --order -placedAt",
        "millrace find orders-by-customer o1",
      ),
    )
    .action(act(async () => (await import("../commands/messages/find.ts")).find));
}
