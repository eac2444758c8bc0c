/** `millrace log verify` and `millrace disk`. */

import type { DiskReport } from "../../../admin/api/upkeep-admin.ts";
import { EXIT, isMillraceError, type ExitCode } from "../../../model/errors.ts";
import type { CommandContext, GlobalOptions } from "../../context.ts";
import { followJob, throwFailure } from "../../follow-job.ts";
import { DISK_FULL } from "../looking/describe.ts";
import { openSession } from "../../session.ts";
import type { Column } from "../../terminal/table.ts";
import { repair } from "./log-repair.ts";

interface VerifyOptions extends GlobalOptions {
  readonly stream?: string;
}

/** Exits with 3 where it finds problems. */
export async function verify(
  context: CommandContext,
  { stream }: VerifyOptions,
): Promise<ExitCode> {
  const { output, by } = context;
  await using session = await openSession(context).catch((error: unknown) => {
    // A broker whose own facts are damaged does not open, and its files can be read all the same.
    if (isMillraceError(error, "LOG_DAMAGED")) return undefined;
    throw error;
  });
  if (session === undefined) {
    return repair(context, { ...context.options, dryRun: true });
  }
  const { admin } = session;
  const started = await admin.verifyLogs({ by, ...(stream !== undefined && { stream }) });
  const job = await followJob(context, admin, started);
  context.signal.throwIfAborted();
  throwFailure(job);
  const { problems: count = 0, logs = 0, segments = 0, batches = 0, records = 0 } = job.counts;
  const problems = job.failures.map(({ stream: log, partition, offset, id: file, message }) => {
    return { log, partition, offset, file, message };
  });
  const found = problems.map(
    ({ log, partition, file, message }) => `${log}[${partition}]: ${message} (${file})`,
  );
  const read = `${logs} logs, ${segments} segments, ${batches} batches, ${records} records, ${job.total} bytes`;
  const verdict =
    count === 0
      ? "everything is as it was written"
      : `${count} problems; see what can be mended: millrace log repair --dry-run`;
  await output.result(
    { ...job.counts, bytes: job.total, problems },
    [`read ${read}`, ...found, verdict].join("\n"),
  );
  return count === 0 ? EXIT.ok : EXIT.problemsFound;
}

interface DiskRow {
  readonly what: string;
  readonly name: string;
  readonly bytes: number;
}

const DISK_COLUMNS: readonly Column<DiskRow>[] = [
  { title: "what", value: ({ what }) => what },
  { title: "name", value: ({ name }) => name },
  { title: "bytes", value: ({ bytes }) => bytes },
];

export async function disk(context: CommandContext): Promise<ExitCode> {
  const { output } = context;
  await using session = await openSession(context);
  const report = await session.admin.diskUse();
  if (output.json) await output.line(JSON.stringify(report));
  else {
    await output.rows(rowsOf(report), DISK_COLUMNS, "nothing");
    output.note(
      `${report.freeBytes} bytes are free; below ${report.freeBytesMin} appends are refused`,
    );
    if (report.full) output.note(DISK_FULL);
  }
  return EXIT.ok;
}

function rowsOf({ streams, queues, stores, state, journal }: DiskReport): readonly DiskRow[] {
  return [
    ...streams.flatMap(({ name, partitions }) =>
      partitions.map((bytes, at) => ({ what: "stream", name: `${name}[${at}]`, bytes })),
    ),
    ...queues.map(({ name, bytes }) => ({ what: "queue", name, bytes })),
    { what: "state", name: "", bytes: state },
    { what: "journal", name: "", bytes: journal },
    ...stores.map(({ service, bytes }) => ({ what: "store", name: service, bytes })),
  ];
}
