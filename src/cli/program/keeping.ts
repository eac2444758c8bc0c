/** Commands that look after what lies on the disk. */

import type { Command } from "commander";
import { act, each, examples, guarded } from "./define.ts";

export function addKeeping(program: Command): void {
  program
    .command("backup")
    .description(
      "copy broker and stores, as they are at one moment, while they work or stand still",
    )
    .argument("<target>", "a directory that is not there yet")
    .addHelpText("after", examples("millrace backup /mnt/backups/shop-2026-01-01"))
    .action(act(async () => (await import("../commands/keeping/backup.ts")).backup));
  guarded(program.command("restore"), "only look at the backup")
    .description("bring a backup to an empty directory, its checksums verified")
    .argument("<source>", "what millrace backup has made")
    .addHelpText(
      "after",
      examples("millrace restore /mnt/backups/shop-2026-01-01 --data .millrace"),
    )
    .action(act(async () => (await import("../commands/keeping/backup.ts")).restore));
  program
    .command("disk")
    .description("what streams, queues and stores take on the disk, and what is free")
    .addHelpText("after", examples("millrace disk"))
    .action(act(async () => (await import("../commands/keeping/log.ts")).disk));
  addLog(program);
}

function addLog(program: Command): void {
  const log = program.command("log").description("the logs on the disk, batch by batch");
  log
    .command("verify")
    .description("read every batch and its checksum; exits with 3 where it finds problems")
    .option("--stream <stream>", "of this stream")
    .addHelpText("after", examples("millrace log verify", "millrace log verify --stream orders"))
    .action(act(async () => (await import("../commands/keeping/log.ts")).verify));
  guarded(log.command("repair"), "only show what would be mended")
    .description("mend what can be mended in a directory that no process has open")
    .option(
      "--accept <range>",
      "count a damaged range as lost: STREAM/PARTITION@FROM-TO, TO included; may be repeated",
      each,
    )
    .addHelpText(
      "after",
      examples(
        "millrace log repair --dry-run",
        "millrace log repair --accept orders/0@120-131 --yes",
      ),
    )
    .action(act(async () => (await import("../commands/keeping/log-repair.ts")).repair));
}
