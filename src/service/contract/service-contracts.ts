/**
 * What services have to do with each other, as the contract lock keeps it, and the refusal of a change
 * that would break a reader (law 13).
 */

import { MillraceError } from "../../model/errors.ts";
import { checkContract, type ContractReport } from "../../schema/contract-check.ts";
import {
  createContractLock,
  type ContractLock,
  type ServiceContract,
} from "../../schema/contract-lock.ts";
import type { Service } from "../part.ts";

export function contractsOf(services: readonly Service[]): readonly ServiceContract[] {
  return services.map(({ name, parts }) => ({
    name,
    publishes: [...new Set(parts.flatMap(({ publishes, sends }) => [...publishes, ...sends]))],
    reads: parts.flatMap(({ from, handles }) =>
      from.map((channel) => ({
        channel,
        types: Object.values(channel.types)
          .map(({ type }) => type)
          .filter((type) => handles.has(type)),
      })),
    ),
  }));
}

/** The lock that today's declarations would give. Throws BAD_DECLARATION. */
export function lockOf(services: readonly Service[]): ContractLock {
  return createContractLock(contractsOf(services));
}

/**
 * The part of the lock that concerns these services: the channels that they declare or once published,
 * and the types of these. A service that starts alone is not to answer for what others declare.
 */
export function agreedAbout(services: readonly Service[], agreed: ContractLock): ContractLock {
  const declared = lockOf(services);
  const names = new Set(services.map(({ name }) => name));
  const channels = Object.entries(agreed.channels).filter(
    ([address, { publishers }]) =>
      Object.hasOwn(declared.channels, address) || publishers.some((name) => names.has(name)),
  );
  const carried = new Set(channels.flatMap(([, { types }]) => types));
  const types = Object.entries(agreed.types).filter(([type]) => carried.has(type));
  return { ...agreed, types: Object.fromEntries(types), channels: Object.fromEntries(channels) };
}

/**
 * Compares what the services declare with what was agreed on. `services` are all of those that the lock
 * is about: what one that is left out declared would count as removed.
 *
 * Throws CONTRACT_BROKEN, naming the readers; BAD_DECLARATION.
 */
export function refuseBrokenContract(
  services: readonly Service[],
  agreed: ContractLock,
  remedy = "keep the old form, or raise the version and give an upcaster",
): ContractReport {
  const report = checkContract(agreed, lockOf(services));
  if (report.verdict !== "compatible") throw contractBroken(report, remedy);
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
