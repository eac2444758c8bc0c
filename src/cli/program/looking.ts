/** Commands that only look. */

import type { Command } from "commander";
import { act, examples, wholeNumber } from "./define.ts";

export function addLooking(program: Command): void {
  program
    .command("describe")
    .description("services, streams, queues and groups at one look")
    .addHelpText("after", examples("millrace describe"))
    .action(act(async () => (await import("../commands/looking/describe.ts")).describe));
  const load = (): Promise<typeof import("../commands/looking/list.ts")> =>
    import("../commands/looking/list.ts");
  program
    .command("lag")
    .description("how far each part of each service is behind")
    .addHelpText("after", examples("millrace lag"))
    .action(act(async () => (await load()).lag));
  const stream = program.command("stream").description("the broker's streams");
  stream
    .command("ls")
    .description("all streams")
    .addHelpText("after", examples("millrace stream ls"))
    .action(act(async () => (await load()).listStreams));
  stream
    .command("info")
    .description("one stream with its partitions")
    .argument("<stream>")
    .addHelpText("after", examples("millrace stream info orders"))
    .action(act(async () => (await load()).describeStream));
  const queue = program.command("queue").description("the broker's queues");
  queue
    .command("ls")
    .description("all queues")
    .addHelpText("after", examples("millrace queue ls"))
    .action(act(async () => (await load()).listQueues));
  queue
    .command("info")
    .description("one queue")
    .argument("<queue>")
    .addHelpText("after", examples("millrace queue info order-desk"))
    .action(act(async () => (await load()).describeQueue));
  addHistory(program);
}

function addHistory(program: Command): void {
  program
    .command("flow")
    .description("all that belongs to one conversation, as the tree of its causes")
    .argument("<correlation>", "or the id of any of its messages")
    .option("--since <offset>", "where to begin in every stream (default: the newest messages)")
    .option("--scan <count>", "messages of each stream to look at (default: 200000)", wholeNumber)
    .option("--payloads", "show the payloads too")
    .addHelpText("after", examples("millrace flow 01941f29-7c00-7004-b874-c5fe3dc12752 --payloads"))
    .action(act(async () => (await import("../commands/looking/flow.ts")).flow));
  program
    .command("state")
    .description("the state of an entity, now or at an earlier moment")
    .argument("<entity>", "DECIDER/KEY, or SERVICE.DECIDER/KEY")
    .option("--at <when>", "a version such as 17, or a moment such as @2026-01-01T00:00")
    .addHelpText("after", examples("millrace state order/o1", "millrace state order/o1 --at 3"))
    .action(act(async () => (await import("../commands/looking/state.ts")).state));
}
