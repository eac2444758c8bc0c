/** `millrace backup` and `millrace restore`. */

import { readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { EXIT, MillraceError, type ExitCode } from "../../../model/errors.ts";
import type { CommandContext, GlobalOptions } from "../../context.ts";
import { followJob, throwFailure } from "../../follow-job.ts";
import { dataGiven } from "../../project.ts";
import { openSession } from "../../session.ts";
import { confirm } from "../../terminal/confirm.ts";

/** Of the running process, or of the directory where none runs. Ctrl-C ends it, and nothing stays. */
export async function backup(
  context: CommandContext,
  _options: GlobalOptions,
  target: string,
): Promise<ExitCode> {
  const { output, by, folder } = context;
  await using session = await openSession(context);
  const { admin } = session;
  const place = resolve(folder, target);
  const job = await followJob(context, admin, await admin.backup(place, { by }));
  context.signal.throwIfAborted();
  throwFailure(job);
  const { files = 0, stores = 0 } = job.counts;
  await output.result(
    { target: place, bytes: job.total, files, stores },
    `backed up to ${place}: ${job.total} bytes in ${files} files, with ${stores} stores`,
  );
  return EXIT.ok;
}

interface RestoreOptions extends GlobalOptions {
  readonly yes?: boolean;
  readonly dryRun?: boolean;
}

export async function restore(
  context: CommandContext,
  options: RestoreOptions,
  source: string,
): Promise<ExitCode> {
  const { output, environment, folder, signal } = context;
  const directory = dataGiven(folder, options);
  if (directory === undefined) {
    throw new MillraceError(
      "BAD_ARGUMENT",
      "say where to restore to: --data DIRECTORY, one that is empty or not there",
      { details: { argument: "data" } },
    );
  }
  const from = resolve(folder, source);
  const { readManifest } = await import("../../../embedded/log/backup/manifest.ts");
  const { files, takenMs, cluster } = await readManifest(from);
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const taken = new Date(takenMs).toISOString();
  output.note(
    `${from}: cluster ${cluster}, taken ${taken}, ${bytes} bytes in ${files.length} files`,
  );
  if (options.dryRun === true) return EXIT.ok;
  const what = `restore it to ${directory}; messages since ${taken} will be missing there`;
  await confirm(context, { what, yes: options.yes });
  const { restore: restoreDirectory } = await import("../../../embedded/restore.ts");
  const epochs: Record<string, number> = {};
  await restoreDirectory({
    source: from,
    directory,
    environment,
    signal,
    progress: (done, total) => output.progress(`${done} of ${total} bytes`),
    renewStores: async (stores) => {
      const { renewEpoch } = await import("../../../stores/sqlite/renew-epoch.ts");
      for (const name of await readdir(stores)) {
        if (!name.endsWith(".db")) continue;
        const { epoch } = renewEpoch(join(stores, name), environment.clock.now());
        epochs[name.slice(0, -".db".length)] = epoch;
      }
    },
  });
  output.progress("");
  const renewed = Object.entries(epochs).map(([name, epoch]) => `  ${name}: epoch ${epoch}`);
  await output.result(
    { directory, cluster, takenMs, bytes, files: files.length, epochs },
    [
      `restored to ${directory}: ${bytes} bytes in ${files.length} files, every checksum right`,
      `stores with a new epoch: ${renewed.length}`,
      ...renewed,
      `start it with: millrace start --data ${directory}`,
    ].join("\n"),
  );
  return EXIT.ok;
}
