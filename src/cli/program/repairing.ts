/** Commands that repair. What moves or removes something asks, and can be tried with --dry-run. */

import { Option, type Command } from "commander";
import { act, examples, guarded, OFFSETS, wholeNumber } from "./define.ts";

export function addRepairing(program: Command): void {
  addGroups(program);
  addFailures(program);
  addPauses(program);
  addReplays(program);
  addViews(program);
  addSagas(program);
}

function addGroups(program: Command): void {
  const load = (): Promise<typeof import("../commands/looking/list.ts")> =>
    import("../commands/looking/list.ts");
  const group = program.command("group").description("groups of readers and their positions");
  group
    .command("ls")
    .description("all groups")
    .addHelpText("after", examples("millrace group ls"))
    .action(act(async () => (await load()).listGroups));
  group
    .command("info")
    .description("one group, partition by partition")
    .argument("<group>")
    .addHelpText("after", examples("millrace group info shop.totals"))
    .action(act(async () => (await load()).describeGroup));
  guarded(group.command("seek"), "only show what would move")
    .description("move a stopped group, or a service's part by SERVICE.PART")
    .argument("<group>")
    .argument("<stream>")
    .requiredOption("--to <offset>", OFFSETS)
    .option("--partition <number>", "only this partition", wholeNumber)
    .addHelpText("after", examples("millrace group seek shop.totals orders --to start --dry-run"))
    .action(act(async () => (await import("../commands/repairing/seek.ts")).seek));
}

function addFailures(program: Command): void {
  const load = (): Promise<typeof import("../commands/repairing/dlq.ts")> =>
    import("../commands/repairing/dlq.ts");
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
    .addHelpText("after", examples("millrace dlq ls --queue order-desk"))
    .action(act(async () => (await load()).list));
  dlq
    .command("show")
    .description("one failure with its cause and its message")
    .argument("<ref>")
    .addHelpText("after", examples("millrace dlq show q:order-desk:17"))
    .action(act(async () => (await load()).show));
  guarded(dlq.command("edit"), "only check the correction and show where it would go")
    .description("publish a corrected copy of a failure and remove the failure")
    .argument("<ref>")
    .option("--payload <json>", "the corrected payload")
    .option("--file <file>", "read it from a file; - for standard input")
    .option("--type <type>", "another message type")
    .addHelpText(
      "after",
      examples(
        "EDITOR=vi millrace dlq edit q:order-desk:17",
        `millrace dlq edit q:order-desk:17 --payload '{"orderId":"o1","total":5}' --yes`,
      ),
    )
    .action(act(async () => (await import("../commands/repairing/dlq-edit.ts")).edit));
  const refs = "what dlq ls shows: q:order-desk:17 s:shop:refunds:42";
  filtered(dlq.command("redrive"))
    .description("let failures run again, in their order")
    .argument("[refs...]", refs)
    .option("--all", "all of them, everywhere")
    .option("--dry-run", "only count")
    .addHelpText("after", examples("millrace dlq redrive --part shop.refunds"))
    .action(act(async () => (await load()).redrive));
  guarded(filtered(dlq.command("discard")), "only count")
    .description("remove failures for good")
    .argument("[refs...]", refs)
    .option("--all", "all of them, everywhere")
    .addHelpText("after", examples("millrace dlq discard q:order-desk:17 --dry-run"))
    .action(act(async () => (await load()).discard));
}

function addPauses(program: Command): void {
  const load = (): Promise<typeof import("../commands/repairing/pause.ts")> =>
    import("../commands/repairing/pause.ts");
  program
    .command("pause")
    .description(
      "stop a part until it is resumed, across restarts; without one, list what is paused",
    )
    .argument("[part]", "SERVICE.PART")
    .option("--why <text>", "told to whoever looks")
    .option("--dry-run", "only tell whether it would change anything")
    .addHelpText("after", examples("millrace pause shop.refunds --why 'the bank is down'"))
    .action(act(async () => (await load()).pause));
  program
    .command("resume")
    .description("let a paused part go on from where it was")
    .argument("<part>", "SERVICE.PART")
    .option("--dry-run", "only tell whether it would change anything")
    .addHelpText("after", examples("millrace resume shop.refunds"))
    .action(act(async () => (await load()).resume));
}

function addReplays(program: Command): void {
  const load = (): Promise<typeof import("../commands/repairing/replay.ts")> =>
    import("../commands/repairing/replay.ts");
  const replay = program.command("replay").description("past messages given to a consumer again");
  const ranged = (command: Command): Command =>
    command
      .argument("<part>", "SERVICE.PART, a consumer")
      .requiredOption("--from <offset>", OFFSETS)
      .option("--to <offset>", "not included (default: the end as it is now)")
      .option("--stream <stream>", "needed where the part reads several")
      .option("--partition <number>", "only this partition", wholeNumber)
      .addOption(
        new Option(
          "--mode <mode>",
          "rebuild: documents anew, recorded answers, nothing is sent; redo: calls and messages go out again, under the same keys and ids",
        )
          .choices(["rebuild", "redo"])
          .default("rebuild"),
      );
  ranged(replay.command("plan"))
    .description("what a replay would read and do; touches nothing")
    .addHelpText(
      "after",
      examples("millrace replay plan shop.refunds --from @2026-01-01T00:00 --to end --mode redo"),
    )
    .action(act(async () => (await load()).plan));
  guarded(ranged(replay.command("run")), "the same as replay plan")
    .description("replays, after the plan was shown and confirmed; Ctrl-C ends it in good order")
    .option("--resume <job>", "go on with a replay that a stop or a crash interrupted")
    .addHelpText("after", examples("millrace replay run shop.refunds --from start --to 100 --yes"))
    .action(act(async () => (await load()).run));
}

function addViews(program: Command): void {
  const load = (): Promise<typeof import("../commands/repairing/view.ts")> =>
    import("../commands/repairing/view.ts");
  const view = program
    .command("view")
    .description("views and the generations in which they are built");
  view
    .command("ls")
    .description("all generations, and which one answers")
    .addHelpText("after", examples("millrace view ls"))
    .action(act(async () => (await load()).list));
  guarded(view.command("rebuild"))
    .description("build a view anew beside the one that answers")
    .argument("<view>")
    .addHelpText("after", examples("millrace view rebuild orders-by-customer"))
    .action(act(async () => (await load()).rebuild));
  guarded(view.command("swap"))
    .description("let another generation answer")
    .argument("<view>")
    .argument("[generation]", "v2.r1, say; the one that is ready unless named")
    .addHelpText("after", examples("millrace view swap orders-by-customer"))
    .action(act(async () => (await load()).swap));
  guarded(view.command("drop"))
    .description("remove a generation that does not answer, with its documents")
    .argument("<view>")
    .argument("<generation>")
    .addHelpText("after", examples("millrace view drop orders-by-customer v1 --dry-run"))
    .action(act(async () => (await load()).drop));
}

function addSagas(program: Command): void {
  const load = (): Promise<typeof import("../commands/repairing/saga.ts")> =>
    import("../commands/repairing/saga.ts");
  const saga = program.command("saga").description("instances of sagas");
  saga
    .command("ls")
    .description("instances by service, saga and id")
    .argument("[saga]", "its name, or SERVICE.SAGA")
    .addOption(
      new Option("--status <status>", "only these").choices([
        "active",
        "compensating",
        "ended",
        "stuck",
      ]),
    )
    .option("--limit <count>", "at most so many (default: 100)", wholeNumber)
    .option("--after <cursor>", "go on after the page that ended with this cursor")
    .addHelpText("after", examples("millrace saga ls --status stuck"))
    .action(act(async () => (await load()).list));
  saga
    .command("show")
    .description("one instance: state, steps and timers")
    .argument("<saga>")
    .argument("<instance>")
    .addHelpText("after", examples("millrace saga show checkout o1"))
    .action(act(async () => (await load()).show));
  guarded(saga.command("retry"))
    .description("try again to undo the step at which an instance is stuck")
    .argument("<saga>")
    .argument("<instance>")
    .addHelpText("after", examples("millrace saga retry checkout o1"))
    .action(act(async () => (await load()).retry));
}
