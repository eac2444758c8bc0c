/**
 * The stream `millrace.contracts`: each start tells there what its services write and read, and is
 * refused where it would break a service that told so before (law 13).
 *
 * The last announcement of a service counts. One that says what the last one said is not written
 * again, so the stream grows with changes and not with starts, and is read as a whole. A service that
 * is given up stays announced: whoever breaks it on purpose starts with `breaks: "warn"`.
 */

import type { Streams, StreamSpec } from "../../broker/streams.ts";
import { encodeMessage } from "../../codecs/cloudevents.ts";
import type { Environment } from "../../model/environment.ts";
import { MillraceError } from "../../model/errors.ts";
import {
  announcementOf,
  contractConflicts,
  parseAnnouncement,
  type ContractAnnouncement,
  type ContractConflict,
} from "../../schema/announcement.ts";
import type { Service } from "../part.ts";
import { contractsOf } from "./service-contracts.ts";

/** One partition: what was announced last is announced last for everybody. */
const CONTRACTS: StreamSpec = { name: "millrace.contracts", partitions: 1 };
export const ANNOUNCED = "millrace.contract.announced";

export interface AnnounceOptions {
  readonly streams: Streams;
  readonly environment: Environment;
  /** What becomes of a start that breaks another service: refused unless said. */
  readonly breaks?: "refuse" | "warn" | undefined;
}

/**
 * Announces the services, unless they break others. Those that are given are compared with all that
 * were announced, but not with each other: they start together, from one set of declarations.
 *
 * Throws CONTRACT_BROKEN, naming the other services, the types and the fields; nothing is announced
 * then.
 */
export async function announceContracts(
  services: readonly Service[],
  { streams, environment, breaks = "refuse" }: AnnounceOptions,
): Promise<void> {
  await streams.ensureStream(CONTRACTS);
  const announced = await announcedBy(streams, environment);
  const own = contractsOf(services).map(announcementOf);
  const names = new Set(own.map(({ service }) => service));
  const others = [...announced.values()].filter(({ service }) => !names.has(service));
  const conflicts = contractConflicts(own, others);
  if (conflicts.length > 0) {
    const error = broken(conflicts, names);
    if (breaks === "refuse") throw error;
    environment.log.warn({ error }, "started although another service would break");
  }
  const changed = own.filter(
    (each) => JSON.stringify(each) !== JSON.stringify(announced.get(each.service)),
  );
  await append(changed, streams, environment);
}

/** The last announcement of each service. What is no announcement is left out, and logged. */
async function announcedBy(
  streams: Streams,
  { log }: Environment,
): Promise<ReadonlyMap<string, ContractAnnouncement>> {
  const found = new Map<string, ContractAnnouncement>();
  const { name: stream } = CONTRACTS;
  for await (const records of streams.read(stream, { partition: 0, from: "earliest" })) {
    for (const record of records) {
      const announcement = parseAnnouncement(new TextDecoder().decode(record.value ?? undefined));
      if (announcement !== undefined) found.set(announcement.service, announcement);
      else log.warn({ stream, offset: record.offset }, "this is no announcement of a contract");
    }
  }
  return found;
}

/** A start does not depend on it: what could not be told now is told by the next one. */
async function append(
  announcements: readonly ContractAnnouncement[],
  streams: Streams,
  { ids, clock, log }: Environment,
): Promise<void> {
  if (announcements.length === 0) return;
  const messages = announcements.map((announcement) =>
    encodeMessage(
      {
        id: ids.newId(),
        type: ANNOUNCED,
        kind: "event",
        version: 1,
        source: announcement.service,
        key: announcement.service,
        time: clock.now(),
      },
      new TextEncoder().encode(JSON.stringify(announcement)),
    ),
  );
  const outcomes = await streams.append(CONTRACTS.name, messages);
  for (const [index, outcome] of outcomes.entries()) {
    if (outcome.ok) continue;
    const { service } = announcements[index]!;
    log.warn({ service, error: outcome.error }, "a contract could not be announced");
  }
}

function broken(
  conflicts: readonly ContractConflict[],
  starting: ReadonlySet<string>,
): MillraceError {
  const others = conflicts.map(({ writer, reader }) => (starting.has(writer) ? reader : writer));
  const consumers = [...new Set(others)].toSorted();
  const told = conflicts.map(
    ({ type, writer, reader, reasons }) =>
      `${type} of ${writer} for ${reader} (${reasons.join("; ")})`,
  );
  return new MillraceError(
    "CONTRACT_BROKEN",
    `not safe for ${consumers.join(", ")}: ${told.join(", ")}; keep the old form, raise the version and give an upcaster, or, where they no longer run, start with contractBreaks "warn" (millrace: --yes)`,
    { details: { consumers } },
  );
}
