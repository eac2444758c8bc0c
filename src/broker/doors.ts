/**
 * The doors that a broker opens by itself, for clients of another protocol. Who may come in and what
 * they may do is said once for a whole program, and holds behind each of them as behind HTTP: see
 * `sign-in.ts` and `rules.ts`.
 */

import type { Rule } from "./rules.ts";
import type { SignIn } from "./sign-in.ts";

export type DoorProtocol = "kafka" | "amqp";

/** A day: what nobody has taken by then will not be taken. */
export const UNDELIVERABLE_MS_MAX = 86_400_000;

export interface Access {
  /** Who may come in. Without it a door is open to this machine alone, and to all on it. */
  readonly signIn?: SignIn;
  /** What those may do who have signed in; nothing unless said. */
  readonly rules?: readonly Rule[];
}

export interface BrokerDoors extends Access {
  /** Lets Kafka clients in, for whom every stream is a topic. */
  readonly kafka?: KafkaDoorSettings;
  /** Lets AMQP 1.0 clients in, for whom every queue is an address. */
  readonly amqp?: AmqpDoorSettings;
}

/** What opening a broker may say of its doors; `false` opens none, whatever its own settings say. */
export interface WantedDoors extends Access {
  readonly kafka?: KafkaDoorSettings | false;
  readonly amqp?: AmqpDoorSettings | false;
}

/** Where a door listens. Any address but loopback needs `tls` and a sign-in. */
export interface ListenSettings {
  /** 0 takes any free port. */
  readonly port: number;
  /** The address to listen on; 127.0.0.1 unless said. */
  readonly host?: string;
  readonly tls?: TlsSettings;
  /** What clients are told to connect to, where that is not the address listened on. */
  readonly advertised?: { readonly host: string; readonly port?: number };
}

export interface KafkaDoorSettings extends ListenSettings {
  /** Whether a topic that nobody made is made when a client asks for it; it is unless said. */
  readonly autoCreate?: boolean;
  /** Of a topic that is made so, or whose maker leaves the number to the broker; 1 unless said. */
  readonly partitions?: number;
}

export interface AmqpDoorSettings extends ListenSettings {
  /** Whether a queue or stream that nobody made is made when a client names it; it is unless said. */
  readonly autoCreate?: boolean;
  /** What becomes of a message whose time to live ends before it is delivered; `dead-letter` unless said. */
  readonly expired?: "dead-letter" | "drop";
  /**
   * How long a message that receivers have said they cannot take waits for another before it is a dead
   * letter; 10,000 unless said, at most `UNDELIVERABLE_MS_MAX`.
   */
  readonly undeliverableMs?: number;
}

/** Each is PEM text or the path of a file with it, read when the door opens. */
export interface TlsSettings {
  readonly key: string;
  /** The certificate, followed by those between it and a root that clients know. */
  readonly cert: string;
  /** Clients must show a certificate that one of these has signed, beside signing in. */
  readonly ca?: string;
  /** Of an encrypted key. */
  readonly passphrase?: string;
}
