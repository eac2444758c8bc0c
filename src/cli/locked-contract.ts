/**
 * The committed lock of all schemas, and what today's declarations would do to its readers. Law 13: a
 * change that breaks one is refused when it is built (`contract check`) and when it is started.
 */

import { basename } from "node:path";
import { namedContractLock, readContractLock } from "../host/contract-file.ts";
import { checkContract, type ContractReport } from "../schema/contract-check.ts";
import { lockOf, refuseBrokenContract } from "../service/contract/service-contracts.ts";
import type { Project } from "./project.ts";

/**
 * Refuses to start what breaks a reader of the lock that the configuration leads to; returns the report
 * where it was let through. Throws CONTRACT_BROKEN, naming the readers;
 * BAD_CONFIG where the configuration names a lock that is not there.
 */
export async function checkLockedContract(
  { loaded }: Project,
  { yes = false }: { readonly yes?: boolean | undefined },
): Promise<ContractReport | undefined> {
  if (loaded === undefined) return undefined;
  const { services, contracts } = loaded.config;
  const read = contracts === undefined ? readContractLock : namedContractLock;
  const older = await read(loaded.contracts);
  if (older === undefined) return undefined;
  if (yes) return checkContract(older, lockOf(services));
  return refuseBrokenContract(
    services,
    older,
    `keep the old form, or raise the version and give an upcaster; --yes starts all the same, millrace contract lock --yes writes a new ${basename(loaded.contracts)}`,
  );
}
