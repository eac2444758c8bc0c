/** `millrace contract`: the committed lock of all schemas, and whether today's code still fits it. */

import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { readContractLock } from "../../../host/contract-file.ts";
import { EXIT, MillraceError, type ExitCode } from "../../../model/errors.ts";
import {
  checkContract,
  type ContractChange,
  type ContractReport,
} from "../../../schema/contract-check.ts";
import { formatContractLock, type ContractLock } from "../../../schema/contract-lock.ts";
import { tenseWarnings } from "../../../schema/past-tense.ts";
import { contractBroken, lockOf } from "../../../service/service-contracts.ts";
import type { CommandContext, GlobalOptions } from "../../context.ts";
import type { Output } from "../../terminal/output.ts";
import { loadProject } from "../../project.ts";

export interface LockOptions extends GlobalOptions {
  readonly file: string;
  readonly yes?: boolean;
  readonly dryRun?: boolean;
}

/** Writes the lock. A change that breaks a reader, or may, is refused without `--yes`. */
export async function lock(context: CommandContext, options: LockOptions): Promise<ExitCode> {
  const { output, folder } = context;
  const path = resolve(folder, options.file);
  const newer = await currentLock(context, options);
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
    `${options.file} ${what}: ${types} types, ${report?.changes.length ?? types} changes`,
  );
  return EXIT.ok;
}

/** Ends with 3 where the declarations differ from the lock: broken, or only not locked yet. */
export async function check(context: CommandContext, options: LockOptions): Promise<ExitCode> {
  const { output, folder } = context;
  const older = await readContractLock(resolve(folder, options.file));
  if (older === undefined) {
    throw new MillraceError(
      "BAD_ARGUMENT",
      `there is no ${options.file} in ${folder}; write and commit it first: millrace contract lock`,
    );
  }
  const report = checkContract(older, await currentLock(context, options));
  await showReport(output, report);
  if (report.verdict !== "compatible") {
    throw contractBroken(report, "keep the old form, or raise the version and give an upcaster");
  }
  if (report.changes.length === 0) {
    output.note(`${options.file} is what the declarations say`);
    return EXIT.ok;
  }
  output.note("no reader would break; lock the changes and commit them: millrace contract lock");
  return EXIT.problemsFound;
}

async function currentLock(context: CommandContext, options: LockOptions): Promise<ContractLock> {
  const { loaded } = await loadProject(context.folder, options);
  if (loaded === undefined) {
    throw new MillraceError(
      "BAD_CONFIG",
      "there is no millrace.config.ts here, so nothing is declared; name it with --config",
    );
  }
  const newer = lockOf(loaded.config.services);
  for (const warning of tenseWarnings(newer)) context.output.note(`warning: ${warning}`);
  return newer;
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
