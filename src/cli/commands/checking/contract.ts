/** `millrace contract`: the committed lock of all schemas, and whether today's code still fits it. */

import { writeFile } from "node:fs/promises";
import { relative, resolve } from "node:path";
import { readContractLock } from "../../../host/contract-file.ts";
import { EXIT, MillraceError, type ExitCode } from "../../../model/errors.ts";
import {
  checkContract,
  type ContractChange,
  type ContractReport,
} from "../../../schema/contract-check.ts";
import { formatContractLock, type ContractLock } from "../../../schema/contract-lock.ts";
import { tenseWarnings } from "../../../schema/past-tense.ts";
import { contractBroken, lockOf } from "../../../service/contract/service-contracts.ts";
import type { CommandContext, GlobalOptions } from "../../context.ts";
import type { Output } from "../../terminal/output.ts";
import { loadProject } from "../../project.ts";

export interface LockOptions extends GlobalOptions {
  /** The configuration's unless said. */
  readonly file?: string;
  readonly yes?: boolean;
  readonly dryRun?: boolean;
}

/** Writes the lock. A change that breaks a reader, or may, is refused without `--yes`. */
export async function lock(context: CommandContext, options: LockOptions): Promise<ExitCode> {
  const { output, folder } = context;
  const { newer, path } = await declared(context, options);
  const older = await readContractLock(path);
  const report = older && checkContract(older, newer);
  if (report !== undefined) await showReport(output, report);
  if (
    report !== undefined &&
    report.verdict !== "compatible" &&
    options.yes !== true &&
    options.dryRun !== true
  ) {
    throw contractBroken(report, "add --yes to lock it all the same");
  }
  if (options.dryRun !== true) await writeFile(path, formatContractLock(newer));
  const types = Object.keys(newer.types).length;
  const what = options.dryRun === true ? "not written (dry run)" : "written";
  output.note(
    `${relative(folder, path)} ${what}: ${types} types, ${report?.changes.length ?? types} changes`,
  );
  return EXIT.ok;
}

/** Ends with 3 where the declarations differ from the lock: broken, or only not locked yet. */
export async function check(context: CommandContext, options: LockOptions): Promise<ExitCode> {
  const { output, folder } = context;
  const { newer, path } = await declared(context, options);
  const file = relative(folder, path);
  const older = await readContractLock(path);
  if (older === undefined) {
    throw new MillraceError(
      "BAD_ARGUMENT",
      `there is no ${file} in ${folder}; write and commit it first: millrace contract lock`,
    );
  }
  const report = checkContract(older, newer);
  await showReport(output, report);
  if (report.verdict !== "compatible") {
    throw contractBroken(report, "keep the old form, or raise the version and give an upcaster");
  }
  if (report.changes.length === 0) {
    output.note(`${file} is what the declarations say`);
    return EXIT.ok;
  }
  output.note("no reader would break; lock the changes and commit them: millrace contract lock");
  return EXIT.problemsFound;
}

/** What the lock would be now, and where it stands. */
async function declared(
  context: CommandContext,
  options: LockOptions,
): Promise<{ readonly newer: ContractLock; readonly path: string }> {
  const { loaded } = await loadProject(context.folder, options);
  if (loaded === undefined) {
    throw new MillraceError(
      "BAD_CONFIG",
      "there is no millrace.config.ts here, so nothing is declared; name it with --config",
    );
  }
  const newer = lockOf(loaded.config.services);
  for (const warning of tenseWarnings(newer)) context.output.note(`warning: ${warning}`);
  const { file } = options;
  return { newer, path: file === undefined ? loaded.contracts : resolve(context.folder, file) };
}

async function showReport(output: Output, report: ContractReport): Promise<void> {
  if (output.json) return output.line(JSON.stringify(report));
  for (const change of report.changes) {
    for (const line of changeLines(change)) await output.line(line);
  }
}

function changeLines({ subject, verdict, notes, fields, consumers }: ContractChange): string[] {
  const readers = consumers.length === 0 ? "no reader" : `read by ${consumers.join(", ")}`;
  return [
    `${verdict}  ${subject}  (${readers})`,
    ...notes.map((note) => `  ${note}`),
    ...fields.map((field) => `  ${field.field}: ${field.reasons.join("; ")}`),
  ];
}
