/** What holds behind the AMQP door: its limits, and how it treats what clients leave open. */

import type { AmqpDoorSettings } from "../../broker/doors.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

/** What of a door's settings is told to clients only by what they see. */
export type AmqpBehaviour = Required<
  Pick<AmqpDoorSettings, "autoCreate" | "expired" | "undeliverableMs">
>;

export function behaviourOf({
  autoCreate = true,
  expired = "dead-letter",
  undeliverableMs = 10_000,
}: Partial<AmqpBehaviour>): AmqpBehaviour {
  return { autoCreate, expired, undeliverableMs };
}

/** Of one connection where nothing else is said. Each with the reason for its size. */
export interface AmqpLimits {
  /** Of the door; each costs tens of kilobytes before it does anything. */
  readonly connectionsMax: number;
  /** Of the door: links that one machine's services have been seen to need, ten times over. */
  readonly doorLinksMax: number;
  /** Of the door: what all its connections make it keep, as the Kafka door's. */
  readonly bytesMax: number;
  /** What each connection may have of it when the rest is taken: small messages always get through. */
  readonly smallBytes: number;
  /** How often connections are looked at that may stand still, while somebody waits for memory. */
  readonly sweepMs: number;
  /** Who holds memory that others wait for, and stands still for so long, is closed. */
  readonly stalledShortMs: number;
  /**
   * Frames of one connection, and of all together, in one turn of the event loop; an attach, which may look
   * up and make a queue, is as many, and so is each KiB.
   */
  readonly turnMax: number;
  readonly attachWeight: number;
  /** Of one connection. */
  readonly sessionsMax: number;
  /** Of one connection, in all its sessions. */
  readonly linksMax: number;
  readonly frameBytesMax: number;
  /** Of a whole message, over all its transfers. */
  readonly messageBytesMax: number;
  /** Messages that one link may send before the first of them is settled. */
  readonly linkCredit: number;
  /** Messages of which a part has come: enough for 32 of the largest at the same time. */
  readonly unfinishedBytesMax: number;
  /** Messages of one connection that wait for the disk; beyond it its socket is not read. */
  readonly incomingBytesMax: number;
  /** Bytes that a client does not read; beyond it nothing more is sent to it. */
  readonly unsentBytesMax: number;
  /** Deliveries of one session that are not settled. */
  readonly unsettledMax: number;
  /** Ids of one session's deliveries and frames, either way: they are 32 bits, and rhea knows no first one after the last. */
  readonly sessionIdsMax: number;
  /** From the connection to its open frame, signing in included. */
  readonly handshakeMs: number;
  /** A client that is silent for twice as long is closed. */
  readonly idleMs: number;
  /** A client that asks to be shown signs of life more often is refused. */
  readonly heartbeatMsMin: number;
  /** A client that reads nothing for so long, though something waits for it, is closed. */
  readonly stalledMs: number;
  /** From a close frame to the end of the socket. */
  readonly closeMs: number;
  /** Messages in a queue for one client's replies. */
  readonly temporaryDepthMax: number;
  readonly subscriptionsMax: number;
}

export const LIMITS: AmqpLimits = {
  connectionsMax: 10_000,
  doorLinksMax: 50_000,
  bytesMax: 256 * MIB,
  smallBytes: 16 * KIB,
  sweepMs: 1_000,
  stalledShortMs: 5_000,
  turnMax: 256,
  attachWeight: 32,
  sessionsMax: 64,
  linksMax: 1_024,
  frameBytesMax: 128 * KIB,
  messageBytesMax: MIB,
  linkCredit: 1_000,
  unfinishedBytesMax: 33 * MIB,
  incomingBytesMax: 32 * MIB,
  unsentBytesMax: 4 * MIB,
  unsettledMax: 2_048,
  sessionIdsMax: 2 ** 32 - 2 ** 24,
  handshakeMs: 20_000,
  idleMs: 120_000,
  heartbeatMsMin: 1_000,
  stalledMs: 60_000,
  closeMs: 2_000,
  temporaryDepthMax: 10_000,
  subscriptionsMax: 10_000,
};
