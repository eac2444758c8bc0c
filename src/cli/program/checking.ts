/** Commands that check the project and this machine, and explain. */

import { Argument, type Command } from "commander";
import { act, examples, wholeNumber } from "./define.ts";

export function addChecking(program: Command): void {
  addContracts(program);
  const config = program.command("config").description("the configuration as it is in force");
  config
    .command("show")
    .description("every value; secrets are not shown")
    .option(
      "--origin",
      "and where it comes from: a file, the environment, an option or the default",
    )
    .addHelpText("after", examples("millrace config show --origin"))
    .action(act(async () => (await import("../commands/checking/config.ts")).show));
  const load = (): Promise<typeof import("../commands/checking/errors.ts")> =>
    import("../commands/checking/errors.ts");
  const errors = program.command("errors").description("the codes with which things fail");
  errors
    .command("ls")
    .description("all codes")
    .addHelpText("after", examples("millrace errors ls"))
    .action(act(async () => (await load()).list));
  errors
    .command("lookup")
    .description("what a code means, and whether trying again can help")
    .argument("<code>")
    .addHelpText("after", examples("millrace errors lookup CONTRACT_BROKEN"))
    .action(act(async () => (await load()).lookup));
  program
    .command("doctor")
    .description("check this machine, the configuration and the data; exit 3 if something is wrong")
    .addHelpText("after", examples("millrace doctor"))
    .action(act(async () => (await import("../commands/checking/doctor.ts")).doctor));
  program
    .command("bench")
    .description("how fast this machine and disk are: syncs, appends, commands")
    .option("--seconds <count>", "for each row", wholeNumber, 3)
    .addHelpText("after", examples("millrace bench --seconds 10"))
    .action(act(async () => (await import("../commands/checking/bench.ts")).bench));
  program
    .command("completion")
    .description("a script that lets a shell complete commands and options")
    .addArgument(new Argument("<shell>").choices(["bash", "zsh", "fish"]))
    .addHelpText(
      "after",
      examples(
        "source <(millrace completion bash)",
        "millrace completion fish > ~/.config/fish/completions/millrace.fish",
      ),
    )
    .action(
      act(async () => (await import("../commands/checking/completion.ts")).completionOf(program)),
    );
}

function addContracts(program: Command): void {
  const load = (): Promise<typeof import("../commands/checking/contract.ts")> =>
    import("../commands/checking/contract.ts");
  const contract = program
    .command("contract")
    .description("the schemas that services share, kept in contracts.lock.json");
  contract
    .command("lock")
    .description("write the lock file from the configuration's declarations")
    .option("--file <file>", "the lock file; the configuration's unless said")
    .option("--yes", "also where readers would break")
    .option("--dry-run", "only show what would change")
    .addHelpText("after", examples("millrace contract lock"))
    .action(act(async () => (await load()).lock));
  contract
    .command("check")
    .description("compare the declarations with the lock file; exit 3 if a reader would break")
    .option("--file <file>", "the lock file; the configuration's unless said")
    .addHelpText("after", examples("millrace contract check"))
    .action(act(async () => (await load()).check));
}
