/** What one client, and all together, may take of this process. Each with the reason for its size. */

const KIB = 1024;
const MIB = 1024 * KIB;

export interface ConnectionLimits {
  /** Before a client has signed in: the longest token that a mechanism here sends is far shorter. */
  readonly strangerFrameBytesMax: number;
  /** Of a produce request; Kafka's `socket.request.max.bytes`. */
  readonly frameBytesMax: number;
  /** Of a group's requests: a leader's SyncGroup is a megabyte for a thousand members. */
  readonly groupFrameBytesMax: number;
  /**
   * Of every other request. What makes them long is partitions: a client sends 33 to 100 bytes for each
   * that it fetches, so this names ten thousand at least, and keeps the thread for a tenth of a second at most.
   */
  readonly otherFrameBytesMax: number;
  /**
   * What such a frame can decode to, as a multiple of its length: so much of it is held until it is
   * answered. Frames below the door's `smallBytes` count as they are.
   */
  readonly decodedTimes: number;
  /** Requests that have not been answered; a client with more is not read. */
  readonly requestsMax: number;
  readonly requestBytesMax: number;
  /** Produce requests under way together: enough for one group commit to be large. */
  readonly begunMax: number;
  /** Requests begun before others get their turn; one that is decoded counts once more for each KiB. */
  readonly turnMax: number;
  /** Answers that have not left; beyond it nothing is begun. */
  readonly unsentBytesMax: number;
  /** From the connection to the sign-in, or without one to the first whole request. */
  readonly firstRequestMs: number;
  /** A frame that does not go on, or an answer of which nothing leaves, for so long ends it. */
  readonly stalledMs: number;
  /** The same while others wait for memory: who holds some and does nothing with it goes first. */
  readonly stalledShortMs: number;
  /** Without a request; Kafka's `connections.max.idle.ms`. */
  readonly idleMs: number;
}

export const CONNECTION_LIMITS: ConnectionLimits = {
  strangerFrameBytesMax: 64 * KIB,
  frameBytesMax: 100 * MIB,
  groupFrameBytesMax: 4 * MIB,
  otherFrameBytesMax: MIB,
  decodedTimes: 30,
  requestsMax: 256,
  requestBytesMax: 64 * MIB,
  begunMax: 64,
  turnMax: 32,
  unsentBytesMax: 16 * MIB,
  firstRequestMs: 30_000,
  stalledMs: 30_000,
  stalledShortMs: 5_000,
  idleMs: 10 * 60_000,
};

export interface DoorLimits {
  /** Twice what one machine's clients have been seen to open at their worst. */
  readonly connectionsMax: number;
  /** Of all connections: received and unanswered, read for answers, and answers that have not left. */
  readonly bytesMax: number;
  /** What each connection may have of it when the rest is taken: small requests always get through. */
  readonly smallBytes: number;
  /**
   * How fast all connections together may send requests that fill a turn by their length. A kilobyte of
   * them keeps the thread for up to a tenth of a millisecond, so this leaves most of it to others.
   */
  readonly wideBytesPerMs: number;
  /**
   * What all connections together begin in one turn of the event loop, counted as `turnMax` of one of them
   * counts: half a millisecond's work. Who asks for little is let through all the same.
   */
  readonly turnMax: number;
  /** How often connections are looked at that may have stalled: 20,000 take a few milliseconds. */
  readonly sweepMs: number;
  /** How long a stop lets requests finish that have begun. */
  readonly stopMs: number;
}

export const DOOR_LIMITS: DoorLimits = {
  connectionsMax: 20_000,
  bytesMax: 256 * MIB,
  smallBytes: 16 * KIB,
  wideBytesPerMs: 4 * KIB,
  turnMax: 32,
  sweepMs: 1_000,
  stopMs: 2_000,
};

/** What tests bring and users do not. */
export interface KafkaDoorAccess {
  readonly limits?: Partial<DoorLimits>;
  readonly connectionLimits?: Partial<ConnectionLimits>;
}
