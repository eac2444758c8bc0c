/**
 * What a broker can do. A program states what its parts need; what is missing is refused at start
 * with the part's name, never discovered in production.
 */

export type Capability =
  /** It has streams at all. */
  | "streams"
  /** It has queues at all. */
  | "queues"
  /** An appended stream message survives a power cut once `append` resolves. */
  | "durableAppend"
  /** A queue message survives a power cut once `send` resolves. */
  | "durableSend"
  /** Reading a stream from any kept offset, any number of times. */
  | "replay"
  /** Finding the offset of a moment. */
  | "timeLookup"
  /** Queue messages of one key are leased one after another, in order of sending. */
  | "keyOrder"
  /** `send` and `release` can postpone a message. */
  | "delay"
  /** The broker keeps the attempt count of a queue message. */
  | "attemptCount"
  | "leaseExtension"
  | "deadLetters"
  /** A message id sent twice within the window counts once, also across restarts. */
  | "dedupeById"
  | "retentionByAge"
  | "retentionBySize"
  | "retentionByCount"
  /** Of each key of a stream the newest message is kept. */
  | "compaction";

export type CapabilityLevel =
  | { readonly level: "native" }
  /** Millrace makes up for it; `cost` says what that costs the user. */
  | { readonly level: "emulated"; readonly cost: string }
  | { readonly level: "absent"; readonly reason: string };

export interface BrokerCapabilities {
  /** The adapter's name, as it stands in error texts: `embedded`, `kafka`. */
  readonly adapter: string;
  readonly levels: Readonly<Record<Capability, CapabilityLevel>>;
}

export const NATIVE: CapabilityLevel = { level: "native" };

export function has(capabilities: BrokerCapabilities, capability: Capability): boolean {
  return capabilities.levels[capability].level !== "absent";
}
