/**
 * What of AMQP 1.0 (OASIS, 2012) is spoken at this door and what is declined. `docs/protocols.md` is made
 * of it (`npm run protocols`), so each entry is for a reader who does not know this code; `docs/amqp.md`
 * explains what becomes of messages. Limits come from where they hold.
 */

import { LIMITS } from "./settings.ts";

export interface SpokenRow {
  /** As the standard, or whoever made it up, writes it. */
  readonly name: string;
  readonly means: string;
}

export const PERFORMATIVES: readonly SpokenRow[] = [
  {
    name: "open",
    means: `idle-time-out of ${LIMITS.heartbeatMsMin / 1000} s or more; frames of ${LIMITS.frameBytesMax / 1024} KiB and ${LIMITS.sessionsMax} sessions are offered`,
  },
  {
    name: "begin",
    means: `by the client alone; up to ${LIMITS.linksMax.toLocaleString("en")} links on the connection`,
  },
  {
    name: "attach",
    means: "decided before it is answered; a refusal is an attach, and a detach with the reason",
  },
  { name: "flow", means: "credit, drain and echo, of links and of sessions" },
  {
    name: "transfer",
    means: "in one frame or many, settled or not, aborted; with a state it ends the link",
  },
  { name: "disposition", means: "of one delivery or a range" },
  { name: "detach", means: "closed ends what the link alone had, otherwise it is kept" },
  { name: "end", means: "detaches the session's links" },
  { name: "close", means: "detaches all links and ends temporary queues" },
];

/** What the client says of a delivery from a queue. */
export const OUTCOMES: readonly SpokenRow[] = [
  { name: "amqp:accepted:list", means: "the message is gone" },
  { name: "amqp:released:list", means: "it waits again, the attempt is not counted" },
  {
    name: "amqp:modified:list",
    means:
      "delivery-failed counts the attempt, undeliverable-here keeps it from this link; message-annotations are ignored",
  },
  { name: "amqp:rejected:list", means: "it is a dead letter, with the error as its cause" },
  { name: "amqp:received:list", means: "taken, and changes nothing: it is not final" },
];

export const CAPABILITIES: readonly SpokenRow[] = [
  {
    name: "ANONYMOUS-RELAY",
    means: "offered: a target without an address takes messages by their property `to`",
  },
  { name: "topic", means: "of a source or target: its plain address names a stream" },
  { name: "queue", means: "of a source or target: its plain address names a queue, as without it" },
];

export const FILTERS: readonly SpokenRow[] = [
  {
    name: "apache.org:selector-filter:string",
    means: "a selector, on streams; also by its code 0x0000468C00000004",
  },
  {
    name: "millrace:from",
    means:
      "where a stream's link begins: `earliest` or `first`, `latest` or `next`, a timestamp, an offset",
  },
  { name: "rabbitmq:stream-offset-spec", means: "the same, as clients of RabbitMQ write it" },
];

export const ANNOTATIONS_READ: readonly SpokenRow[] = [
  {
    name: "x-opt-delivery-time",
    means: "a queue delivers the message no earlier: a timestamp, or milliseconds since 1970",
  },
  { name: "x-opt-delivery-delay", means: "the same, in milliseconds from its arrival" },
  { name: "x-opt-partition-key", means: "the message's key, where it has no group-id" },
];

export const ANNOTATIONS_WRITTEN: readonly SpokenRow[] = [
  { name: "x-opt-partition", means: "from streams: the partition" },
  { name: "x-opt-offset", means: "from streams: the offset" },
  { name: "x-opt-enqueued-time", means: "from streams and dead letters: when it came" },
  { name: "x-opt-death-reason", means: "of a dead letter: the condition" },
  { name: "x-opt-death-description", means: "of a dead letter: its text" },
  { name: "x-opt-death-time", means: "of a dead letter: when it became one" },
  { name: "x-opt-death-attempts", means: "of a dead letter: how often it was delivered" },
  { name: "x-opt-death-queue", means: "of a dead letter: the queue it was sent to" },
];

/** What a client may look for in vain, and what it is told. */
export const DECLINED: readonly string[] = [
  "Transactions: a link to the coordinator is refused with amqp:not-implemented, and a transfer or disposition in a transaction ends its link or connection with the same.",
  "Resuming deliveries: what was not settled before a link was lost comes again as a new delivery.",
  "Filters on queues, and browsing of a queue's waiting messages (distribution-mode copy): amqp:not-implemented. Dead letters can be browsed.",
  "Filters that the table does not name, and arithmetic in selectors: amqp:not-implemented.",
  "Shared subscriptions (the capability shared) and temporary topics: amqp:not-implemented.",
  "Priorities: the header's priority is kept and given on, and orders nothing.",
  "Delivery annotations: dropped, as they are meant for the next node alone.",
  "TLS by AMQP's own protocol header, and AMQP over WebSocket: TLS is spoken from the first byte of a connection.",
  "SASL mechanisms other than ANONYMOUS, PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512, among them EXTERNAL: they are not offered. What SCRAM proves of the server comes as a last challenge, not beside the outcome.",
  "Management by links ($management), tokens by links ($cbs) and redirects: there are no such nodes; queues and streams are made at the attach, or by the admin API.",
  "Earlier versions: the header of AMQP 0-9-1 is answered with that of 1.0.0, and the connection ends.",
];
