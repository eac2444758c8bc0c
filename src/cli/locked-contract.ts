/**
 * The committed lock of all schemas, and what today's declarations would do to its readers. Law 13: a
 * change that breaks one is refused when it is built (`contract check`) and when it is started.
 */

import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { contractsOf } from "../host/service-contracts.ts";
import { MillraceError } from "../model/errors.ts";
import { checkContract, type ContractReport } from "../schema/contract-check.ts";
import {
  createContractLock,
  parseContractLock,
  type ContractLock,
} from "../schema/contract-lock.ts";
import type { Service } from "../service/part.ts";
import type { Project } from "./project.ts";

export const LOCK_FILE = "contracts.lock.json";

export function lockOf(services: readonly Service[]): ContractLock {
  return createContractLock(contractsOf(services));
}

/** Undefined where there is none. Throws BAD_JSON, BAD_ARGUMENT for a file that is no lock. */
export async function readLock(path: string): Promise<ContractLock | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
  return parseContractLock(text, path);
}

/**
 * Refuses to start what breaks a reader of the lock beside the configuration; returns the report
 * where it was let through. Throws CONTRACT_BROKEN, naming the readers.
 */
export async function checkLockedContract(
  { loaded }: Project,
  { yes = false }: { readonly yes?: boolean | undefined },
): Promise<ContractReport | undefined> {
  if (loaded === undefined) return undefined;
  const older = await readLock(join(dirname(loaded.file), LOCK_FILE));
  if (older === undefined) return undefined;
  const report = checkContract(older, lockOf(loaded.config.services));
  if (report.verdict !== "compatible" && !yes) {
    throw contractBroken(
      report,
      `keep the old form, or raise the version and give an upcaster; --yes starts all the same, millrace contract lock --yes writes a new ${LOCK_FILE}`,
    );
  }
  return report;
}

export function contractBroken({ changes }: ContractReport, remedy: string): MillraceError {
  const dangerous = changes.filter(({ verdict }) => verdict !== "compatible");
  const readers = [...new Set(dangerous.flatMap(({ consumers }) => consumers))];
  const whom = readers.length === 0 ? "" : ` for ${readers.join(", ")}`;
  return new MillraceError(
    "CONTRACT_BROKEN",
    `${dangerous.map(({ subject, verdict }) => `${subject} (${verdict})`).join(", ")}: not safe${whom}; ${remedy}`,
    { details: { consumers: readers } },
  );
}
