/**
 * Looks at each performative before rhea acts on it: types and bounds that rhea takes for granted, and
 * the traps that are listed in `rhea.ts`.
 *
 * What it throws is a `Violation`, which ends the connection with a condition.
 */

import type { AmqpLimits } from "../settings.ts";
import {
  DECODE_ERROR,
  FORCED,
  FRAMING_ERROR,
  INVALID_FIELD,
  MESSAGE_SIZE,
  NOT_ALLOWED,
  NOT_IMPLEMENTED,
  RESOURCE_LIMIT,
  TRANSFER_LIMIT,
  type Refusal,
} from "./conditions.ts";
import {
  idsOf,
  noteOutcome,
  readTransfers,
  takeDelivery,
  writeTransfers,
  type DeliveryRange,
} from "./transfers.ts";
import { outcomeOf } from "./rhea.ts";
import type {
  AttachFields,
  BeginFields,
  Delivery,
  DispositionFields,
  FlowFields,
  Frame,
  OpenFields,
  RheaConnection,
  RheaLink,
  RheaSession,
  TransferFields,
} from "./rhea.ts";

/** The client broke a rule of the protocol, or asks for more than this door has. */
export class Violation extends Error {
  override readonly name = "Violation";
  readonly refusal: Refusal;

  constructor(condition: string, description: string) {
    super(description);
    this.refusal = { condition, description };
  }
}

/** What a link that takes messages knows of the one that is coming. */
export interface Incoming {
  /** Messages that it may still be sent. */
  credit: number;
  format: number;
  bytes: number;
  /** Counts a part of a message that takes several; false where there is no room for it. */
  gather(bytes: number): boolean;
  /** What was gathered is dropped. */
  drop(): void;
  /** Closes the link; the rest of what is sent on it is dropped. */
  refuse(refusal: Refusal): void;
}

export interface StrictOptions {
  readonly limits: AmqpLimits;
  readonly opened: () => void;
  /** Decides about an attach; goes on with `attach`, then or later. Nothing else is read until it has. */
  readonly onAttach: (frame: Frame<AttachFields>, attach: () => RheaLink) => void;
  /** Of a link that takes messages and is open here. */
  readonly incomingOf: (link: RheaLink) => Incoming | undefined;
  /** A message has come whole; without its content where the link may not be sent it. */
  readonly received: (link: RheaLink, delivery: Delivery, message: Buffer | undefined) => void;
  /** A receiving client said something of these deliveries. */
  readonly told: (session: RheaSession, range: DeliveryRange) => void;
  /** Something may be sent that could not be before. */
  readonly changed: () => void;
  /** The connection cannot go on; told outside a frame of its own. */
  readonly failed: (violation: Violation) => void;
}

const NAME_LENGTH_MAX = 1_024;
const OUTCOMES: ReadonlySet<unknown> = new Set([
  0x23,
  0x24,
  0x25,
  0x26,
  0x27,
  "amqp:received:list",
  "amqp:accepted:list",
  "amqp:rejected:list",
  "amqp:released:list",
  "amqp:modified:list",
]);

export function beStrict(connection: RheaConnection, options: StrictOptions): void {
  const { limits, opened, onAttach, incomingOf, received, told, changed, failed } = options;
  const rhea = {
    open: connection.on_open.bind(connection),
    begin: connection.on_begin.bind(connection),
    attach: connection.on_attach.bind(connection),
    flow: connection.on_flow.bind(connection),
    transfer: connection.on_transfer.bind(connection),
    disposition: connection.on_disposition.bind(connection),
  };
  const sessionOf = (frame: Frame<unknown>): RheaSession => {
    const session = connection.remote_channel_map[frame.channel];
    if (session === undefined)
      throw new Violation(NOT_ALLOWED, `no session has channel ${frame.channel}`);
    return session;
  };

  readTransfers(connection);

  connection.on_open = (frame) => {
    rhea.open(frame);
    opened();
    checkOpen(frame, limits);
  };

  connection.on_begin = (frame) => {
    checkBegin(frame, connection, limits);
    rhea.begin(frame);
    const session = sessionOf(frame);
    session.local.begin["handle_max"] = limits.linksMax - 1;
    writeTransfers(connection, session, () => {
      if (idsOf(session) < limits.sessionIdsMax) return;
      failed(new Violation(FORCED, "a session has no delivery ids left; connect again"));
    });
  };

  connection.on_attach = (frame) => {
    const session = sessionOf(frame);
    const { name, handle, role } = checkAttach(frame, session, limits);
    onAttach(frame, () => {
      // rhea finds links by their names alone; a sender and a receiver may share one.
      frame.performative.name = `${role ? "to" : "from"} ${name}`;
      rhea.attach(frame);
      const link = session.remote.handles[handle]!;
      link.local.attach["name"] = name;
      link.remote.handle = handle;
      return link;
    });
  };

  connection.on_flow = (frame) => {
    const session = sessionOf(frame);
    const { performative } = frame;
    checkFlow(performative);
    const link = linkOf(session, performative.handle);
    if (link?.is_receiver() === true) performative.drain = false;
    rhea.flow(frame);
    if (performative.echo === true && link?._draining !== true) session._write_flow(link);
    changed();
  };

  connection.on_transfer = (frame) => {
    const session = sessionOf(frame);
    const link = linkOf(session, frame.performative.handle);
    if (link === undefined || !link.is_receiver()) {
      throw new Violation(NOT_ALLOWED, "a transfer came on a link that takes no messages");
    }
    if (frame.performative.aborted === true) return abort(session, link, incomingOf(link));
    admit(frame, link, { incoming: incomingOf(link), limits });
    frame.performative.message_format = null;
    const delivery = takeDelivery(frame, session, link);
    if (delivery === undefined) rhea.transfer(frame);
    else received(link, delivery, frame.payload);
  };

  connection.on_disposition = (frame) => {
    const session = sessionOf(frame);
    const range = narrow(frame, session);
    if (range !== undefined && frame.performative.role === true) {
      const { settled, state } = frame.performative;
      const outcome = outcomeOf(isGiven(state) ? state : undefined);
      noteOutcome(session, { ...range, settled: settled === true, outcome });
      connection._register();
      told(session, range);
    } else if (range !== undefined) rhea.disposition(frame);
    changed();
  };
}

function checkOpen({ performative }: Frame<OpenFields>, { heartbeatMsMin }: AmqpLimits): void {
  const { container_id: container, idle_time_out: idleMs } = performative;
  if (typeof container !== "string" || container.length > NAME_LENGTH_MAX) {
    throw new Violation(INVALID_FIELD, `a container's id is a text of at most ${NAME_LENGTH_MAX}`);
  }
  if (idleMs === null || idleMs === undefined || idleMs === 0) return;
  if (typeof idleMs === "number" && idleMs >= heartbeatMsMin) return;
  throw new Violation(
    NOT_ALLOWED,
    `idle-time-out is too short; ask for at least ${heartbeatMsMin} ms`,
  );
}

function checkBegin(
  { channel, performative }: Frame<BeginFields>,
  connection: RheaConnection,
  { sessionsMax }: AmqpLimits,
): void {
  if (isGiven(performative.remote_channel)) {
    throw new Violation(NOT_ALLOWED, "a begin answers a session that was not begun here");
  }
  if (connection.remote_channel_map[channel] !== undefined) {
    throw new Violation(NOT_ALLOWED, `channel ${channel} has a session already`);
  }
  const count = Object.keys(connection.local_channel_map).length;
  if (channel < sessionsMax && count < sessionsMax) return;
  throw new Violation(
    RESOURCE_LIMIT,
    `a connection has at most ${sessionsMax} sessions; end some, or open another connection`,
  );
}

function checkAttach(
  { performative }: Frame<AttachFields>,
  session: RheaSession,
  { linksMax }: AmqpLimits,
): { readonly name: string; readonly handle: number; readonly role: boolean } {
  const { name, handle, role } = performative;
  if (typeof name !== "string" || name.length > NAME_LENGTH_MAX) {
    throw new Violation(INVALID_FIELD, `a link's name is a text of at most ${NAME_LENGTH_MAX}`);
  }
  if (typeof handle !== "number" || handle >= linksMax || typeof role !== "boolean") {
    throw new Violation(
      RESOURCE_LIMIT,
      `a link's handle is a number below ${linksMax}; detach some, or open another connection`,
    );
  }
  if (session.remote.handles[handle]?.is_open() === true) {
    throw new Violation("amqp:session:handle-in-use", `handle ${handle} has a link already`);
  }
  return { name, handle, role };
}

const FLOW_NUMBERS = 8;

function checkFlow({ value }: FlowFields): void {
  for (let i = 0; i < FLOW_NUMBERS; i++) {
    const field = value[i];
    const number: unknown =
      typeof field === "object" && field !== null && "value" in field ? field.value : field;
    if (isGiven(number) && typeof number !== "number") {
      throw new Violation(DECODE_ERROR, "a flow has a field that is no number");
    }
  }
}

function linkOf(session: RheaSession, handle: unknown): RheaLink | undefined {
  if (!isGiven(handle)) return undefined;
  const link = typeof handle === "number" ? session.remote.handles[handle] : undefined;
  if (link !== undefined) return link;
  throw new Violation("amqp:session:unattached-handle", `no link has handle ${String(handle)}`);
}

/** The sender took back what it had begun to send; rhea would take it for whole. */
function abort(session: RheaSession, link: RheaLink, incoming: Incoming | undefined): void {
  const begun = link._incomplete;
  if (begun === undefined) throw new Violation(NOT_ALLOWED, "an aborted transfer was never begun");
  begun.settled = true;
  begun.frames = [];
  link._incomplete = undefined;
  session.incoming.next_transfer_id++;
  link.delivery_count++;
  link.credit = Math.max(0, link.credit - 1);
  if (incoming === undefined) return;
  incoming.bytes = 0;
  incoming.drop();
  incoming.credit--;
}

/** Drops the content of what the link may not be sent; rhea counts it all the same. */
function admit(
  frame: Frame<TransferFields>,
  link: RheaLink,
  { incoming, limits }: { incoming: Incoming | undefined; limits: AmqpLimits },
): void {
  const { performative } = frame;
  const first = link._incomplete === undefined;
  if (first && typeof performative.delivery_id !== "number") {
    throw new Violation(INVALID_FIELD, "a transfer has no delivery-id");
  }
  const refusal = incoming && whyNot(frame, incoming, { first, limits });
  if (refusal !== undefined) incoming?.refuse(refusal);
  if (incoming !== undefined && refusal === undefined) {
    if (performative.more === true) frame.payload = ownOf(frame.payload);
    return;
  }
  frame.payload = undefined;
  if (link._incomplete !== undefined) link._incomplete.frames = [Buffer.alloc(0)];
  link.credit = Math.max(1, link.credit);
}

function whyNot(
  { performative, payload }: Frame<TransferFields>,
  incoming: Incoming,
  { first, limits }: { first: boolean; limits: AmqpLimits },
): Refusal | undefined {
  if (isGiven(performative.state)) {
    return {
      condition: NOT_IMPLEMENTED,
      description: "a transfer has a state; transactions and resumed deliveries are not kept here",
    };
  }
  if (first) {
    if (incoming.credit <= 0) {
      return { condition: TRANSFER_LIMIT, description: "more messages came than were asked for" };
    }
    incoming.credit--;
    const format = performative.message_format;
    incoming.format = typeof format === "number" ? format : 0;
    incoming.bytes = 0;
  }
  incoming.bytes += payload?.length ?? 0;
  const isPart = !first || performative.more === true;
  if (incoming.bytes <= limits.messageBytesMax) {
    return isPart && !incoming.gather(payload?.length ?? 0) ? TOO_MANY_PARTS : undefined;
  }
  return {
    condition: MESSAGE_SIZE,
    description: `a message has more than ${limits.messageBytesMax} bytes; store large data elsewhere and send a reference`,
  };
}

const TOO_MANY_PARTS: Refusal = {
  condition: RESOURCE_LIMIT,
  description:
    "too many messages of this connection are not whole; finish one before you begin the next, or use another connection",
};

/** A part that lies in larger memory gets its own: it may have to wait long for the rest. */
function ownOf(payload: Buffer | undefined): Buffer | undefined {
  if (payload === undefined || payload.buffer.byteLength <= 1.25 * payload.length) return payload;
  const own = Buffer.allocUnsafeSlow(payload.length);
  payload.copy(own);
  return own;
}

/** The place of a disposition's state. */
const STATE = 4;

/** Cuts the range down to deliveries that there are; undefined where there are none. */
function narrow(
  { performative }: Frame<DispositionFields>,
  session: RheaSession,
): DeliveryRange | undefined {
  const { role, first, last, state } = performative;
  if (typeof first !== "number" || (isGiven(last) && typeof last !== "number")) {
    throw new Violation(FRAMING_ERROR, "a disposition's deliveries are no numbers");
  }
  // rhea takes a state that is null for one, and complains that it does not know it.
  if (!isGiven(state)) performative.value[STATE] = undefined;
  else if (!OUTCOMES.has(descriptorOf(state))) {
    throw new Violation(
      NOT_IMPLEMENTED,
      "a disposition has a state that is not known here; transactions are not kept",
    );
  }
  const { deliveries } = role === true ? session.outgoing : session.incoming;
  const head = deliveries.get_head();
  const tail = deliveries.get_tail();
  if (head === undefined || tail === undefined) return undefined;
  const from = Math.max(first, head.id);
  const to = Math.min(isGiven(last) ? Number(last) : first, tail.id);
  if (from > to) return undefined;
  performative.first = from;
  performative.last = to;
  return { first: from, last: to };
}

function descriptorOf(state: unknown): unknown {
  if (typeof state !== "object" || state === null || !("descriptor" in state)) return undefined;
  const { descriptor } = state;
  return typeof descriptor === "object" && descriptor !== null && "value" in descriptor
    ? descriptor.value
    : undefined;
}

function isGiven(field: unknown): boolean {
  if (field === null || field === undefined) return false;
  return !(typeof field === "object" && "value" in field && field.value === null);
}
