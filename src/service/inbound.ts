/**
 * The seam between what brings messages in from outside (`connectors/`) and who runs it: a host, the
 * HTTP door, or a program's own server. Whoever runs it hands over `publish`; `App.admin` has it.
 */

import type { Envelope } from "../model/envelope.ts";
import type { Environment, Log } from "../model/environment.ts";
import type { Outcome } from "../model/outcome.ts";
import type { Channel } from "../schema/declaration.ts";
import type { OutgoingMessage } from "../store/write-set.ts";

/**
 * A message from outside: an envelope as far as it is known, and its JSON payload's own text. What is
 * left out is stamped when it is published, and the key is taken as the declaration says.
 */
export interface InboundMessage extends Partial<
  Omit<Envelope, "type" | "contentType" | "place" | "attempt">
> {
  readonly type: string;
  readonly dataJson: string;
  readonly to?: OutgoingMessage["target"];
}

/**
 * Resolves when every message is durable or has failed; one that fails keeps no other back. A message
 * whose id was published before is answered as a duplicate, and counts once.
 */
export type PublishInbound = (
  messages: readonly InboundMessage[],
) => Promise<readonly Outcome<{ readonly id: string; readonly duplicate: boolean }>[]>;

export interface WebhookContext {
  readonly publish: PublishInbound;
  /** The moment of the request, against which the age of its signature is measured. */
  readonly nowMs: number;
  /** Takes what is not told to the sender. */
  readonly log?: Log;
}

/** An address to which others post: mounted below `/hooks/`, or in any server that speaks fetch. */
export interface WebhookReceiver {
  readonly name: string;
  /** Below `/hooks/`, without a slash at either end. */
  readonly path: string;
  /** Where it publishes: these channels must exist before it is mounted. */
  readonly to: readonly Channel[];
  /** Never rejects. It proves the sender by itself: the door must not ask for its own token. */
  handle(request: Request, context: WebhookContext): Promise<Response>;
}

export interface SourceContext {
  readonly publish: PublishInbound;
  readonly environment: Environment;
  /** Ends the run in good order: what is published is noted, nothing more is read. */
  readonly signal: AbortSignal;
}

/** Something that is read into channels for as long as the host runs. */
export interface Source {
  readonly name: string;
  readonly to: readonly Channel[];
  /** Resolves when everything is read, or the signal aborts. Rejects where it cannot go on. */
  run(context: SourceContext): Promise<void>;
}
