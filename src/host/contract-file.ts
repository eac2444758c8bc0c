/** The committed lock of all schemas, as a file. */

import { readFile } from "node:fs/promises";
import { MillraceError } from "../model/errors.ts";
import { parseContractLock, type ContractLock } from "../schema/contract-lock.ts";
import type { Service } from "../service/part.ts";
import { agreedAbout, refuseBrokenContract } from "../service/contract/service-contracts.ts";

/** Undefined where there is none. Throws BAD_JSON, BAD_ARGUMENT for a file that is no lock. */
export async function readContractLock(path: string): Promise<ContractLock | undefined> {
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
 * Law 13 at a start: refuses services whose declarations break a reader of the lock, given as such or
 * as the path of its file. What the lock says of services that do not start here is not looked at.
 *
 * Throws CONTRACT_BROKEN, naming the readers; BAD_CONFIG where there is no such file; BAD_JSON,
 * BAD_ARGUMENT.
 */
export async function holdContract(
  services: readonly Service[],
  contracts: string | ContractLock,
): Promise<void> {
  const agreed = typeof contracts === "string" ? await namedContractLock(contracts) : contracts;
  refuseBrokenContract(services, agreedAbout(services, agreed));
}

/** The lock that a configuration names. Throws BAD_CONFIG where there is no such file; BAD_JSON, BAD_ARGUMENT. */
export async function namedContractLock(path: string): Promise<ContractLock> {
  const found = await readContractLock(path);
  if (found !== undefined) return found;
  throw new MillraceError(
    "BAD_CONFIG",
    `contracts names ${path}, which is not there; write it with millrace contract lock, or leave contracts out`,
    { details: { key: "contracts", file: path } },
  );
}
