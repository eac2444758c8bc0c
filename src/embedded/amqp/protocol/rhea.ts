/**
 * The seam to rhea: the parts of it that the door uses, inner ones among them.
 *
 * rhea is written for clients; a server that strangers reach needs more than its public face gives: to
 * look at a performative before rhea acts on it, to get a message's bytes instead of what they decode to,
 * and to know how much of what it sends is under way. What is used of its inside stands here, and the
 * version is pinned: look at each of these when it changes. The traps that they avoid:
 *
 * - a disposition for two thousand million deliveries is walked one by one, and one for a delivery that is
 *   settled already can hit another (`Session.on_disposition`);
 * - a flow of a sending client may set the receiver's credit (`Receiver.on_flow`);
 * - an aborted transfer is taken for a whole message (`Incoming.on_transfer`);
 * - two links of one name and opposite directions in a session end the connection (`Session.on_attach`);
 * - a coordinator, and an outcome that it does not know, are reported on the console and taken for none;
 * - a link that is detached, not closed, is answered as closed, and its handle is never forgotten;
 * - of two deliveries that are settled in one tick the second is told what the first was (`answers.ts`).
 */

/* oxlint-disable typescript/no-unsafe-type-assertion, typescript/no-unnecessary-type-assertion -- rhea's types tell clients what they need; what a server uses of its inside is typed here, in one place. */

import type { EventEmitter } from "node:events";
import rhea from "rhea";
import type { Refusal } from "./conditions.ts";
import type { Mechanisms } from "./sign-in.ts";

/** A value as rhea reads it: its type, and its descriptor where it has one. */
export interface Typed {
  readonly value: unknown;
  readonly descriptor?: { readonly value: unknown };
  /** The fields of a described list. */
  described?(): unknown;
}

export interface Performative {
  /** Where rhea looks for its fields. */
  readonly value: unknown[];
}

export interface Frame<Fields> {
  readonly channel: number;
  readonly performative: Fields;
  payload?: Buffer | undefined;
}

export interface OpenFields extends Performative {
  readonly container_id: unknown;
  readonly idle_time_out: unknown;
}

export interface BeginFields extends Performative {
  readonly remote_channel: unknown;
}

export interface AttachFields extends Performative {
  name: unknown;
  readonly handle: unknown;
  /** True where the client receives. */
  readonly role: unknown;
  readonly snd_settle_mode: unknown;
  source: unknown;
  target: unknown;
  readonly desired_capabilities: unknown;
}

export interface FlowFields extends Performative {
  readonly handle: unknown;
  drain: unknown;
  readonly echo: unknown;
}

export interface TransferFields {
  readonly handle: unknown;
  readonly delivery_id: unknown;
  readonly delivery_tag: unknown;
  message_format: unknown;
  readonly settled: unknown;
  readonly more: unknown;
  readonly state: unknown;
  readonly aborted: unknown;
}

export interface DispositionFields extends Performative {
  readonly role: unknown;
  first: unknown;
  last: unknown;
  readonly settled: unknown;
  readonly state: unknown;
}

/** A source or target as the client asked for it; given back in the answer. */
export interface Terminus {
  address: unknown;
  readonly durable: unknown;
  readonly expiry_policy: unknown;
  readonly dynamic: unknown;
  readonly distribution_mode: unknown;
  readonly filter: unknown;
  readonly capabilities: unknown;
  /** As it is written. */
  described?(): unknown;
}

export interface Delivery {
  readonly id: number;
  readonly link: RheaLink;
  readonly format: number | null;
  settled: boolean;
  remote_settled: boolean;
  remote_state: unknown;
}

/** One that is sent from here, whose parts have left as far as `sentBytes`. */
export interface SentDelivery extends Delivery {
  /** Another one where deliveries before it are withdrawn, as long as nothing of it has left. */
  id: number;
  readonly format: number;
  readonly bytes: Buffer;
  sentBytes: number;
}

interface Deliveries<Entry> {
  available(): number;
  get_head(): Entry | undefined;
  get_tail(): Entry | undefined;
  by_id(id: number): Entry | undefined;
  push(entry: Entry): void;
  /** Forgets the oldest ones as long as they fit. */
  pop_if(fits: (entry: Entry) => boolean): number;
}

export interface RheaLink extends EventEmitter {
  readonly name: string;
  readonly session: RheaSession;
  readonly connection: RheaConnection;
  credit: number;
  delivery_count: number;
  readonly source: Terminus | null;
  readonly target: Terminus | null;
  readonly local: {
    readonly handle: number;
    readonly attach: Record<string, unknown>;
    readonly detach: { closed: boolean };
  };
  readonly remote: {
    handle: number | undefined;
    readonly attach?: AttachFields;
    readonly detach?: { readonly closed: unknown };
  };
  set_source(fields: object): void;
  issue_flow: boolean;
  /** What came so far of a message that takes several transfers. */
  _incomplete?: { settled: boolean; frames: Buffer[] } | undefined;
  /** Of senders: the client wants its credit used or given back. */
  _draining?: boolean;
  /** Whether a flow that is written tells that credit was drained. */
  _get_drain(): boolean;
  is_receiver(): boolean;
  is_open(): boolean;
  is_remote_open(): boolean;
  add_credit(count: number): void;
  close(error?: Refusal): void;
  detach(): void;
  remove(): void;
}

export interface RheaSession extends EventEmitter {
  readonly local: {
    readonly channel: number;
    readonly begin: Record<string, unknown>;
    readonly handles: object;
  };
  readonly remote: { readonly handles: Record<number, RheaLink | undefined> };
  readonly links: Record<string, RheaLink | undefined>;
  readonly incoming: {
    readonly deliveries: Deliveries<Delivery>;
    next_transfer_id: number;
    /** Up to which frames were asked for. */
    max_transfer_id: number;
    next_delivery_id: number | undefined;
  };
  readonly outgoing: {
    readonly deliveries: Deliveries<SentDelivery>;
    next_delivery_id: number;
    next_pending_delivery: number;
    next_transfer_id: number;
    window: number;
    available(): number;
    /** How many transfers the client takes. */
    transfer_window(): number;
    /** Writes what may be written, and forgets what is settled on both sides. */
    process(): void;
  };
  is_open(): boolean;
  is_remote_open(): boolean;
  end(error?: Refusal): void;
  output(performative: unknown): void;
  _write_flow(link?: RheaLink): void;
}

export interface RheaConnection extends EventEmitter {
  readonly local: { readonly open: Record<string, unknown> };
  /** Of the client, once it has opened. */
  readonly container_id: unknown;
  readonly remote_channel_map: Record<number, RheaSession | undefined>;
  readonly local_channel_map: object;
  /** Written to: nothing is, and no timer set, while it is false. */
  socket_ready: boolean;
  readonly socket: { write(bytes: Buffer): void };
  /** Of the frames that the client takes; undefined where it named no bound. */
  readonly max_frame_size: number | undefined;
  readonly amqp_transport: {
    /** Undefined until then. */
    readonly header_received: unknown;
    /** Reads whole frames, and returns how many bytes they had. */
    read(bytes: Buffer): number;
  };
  accept(socket: unknown): unknown;
  open(): void;
  close(error?: Refusal): void;
  is_open(): boolean;
  is_remote_open(): boolean;
  _register(): void;
  /** Writes what there is to write, at the end of a tick in which something was registered. */
  _process(): void;
  /** Writes what was encoded, and sets the timer of the next sign of life. */
  output(): void;
  on_open(frame: Frame<OpenFields>): void;
  on_begin(frame: Frame<BeginFields>): void;
  on_attach(frame: Frame<AttachFields>): void;
  on_flow(frame: Frame<FlowFields>): void;
  on_transfer(frame: Frame<TransferFields>): void;
  on_disposition(frame: Frame<DispositionFields>): void;
}

/** What is told of an event. */
export interface RheaEvent {
  readonly connection: RheaConnection;
  readonly session: RheaSession;
  readonly sender: RheaLink;
  readonly receiver: RheaLink;
  readonly delivery: Delivery;
  readonly message: Buffer;
  readonly error?: unknown;
}

export interface ServerOptions {
  readonly id: string;
  readonly frameBytesMax: number;
  readonly sessionsMax: number;
  readonly unsettledMax: number;
  /** By which clients sign in; where they are missing, whoever comes is let in. */
  readonly mechanisms?: Mechanisms;
}

/** One connection of a client, with a container of its own, so that events need no addressee. */
export function createServerConnection(options: ServerOptions): {
  readonly events: EventEmitter;
  readonly connection: RheaConnection;
} {
  const { id, frameBytesMax, sessionsMax, unsettledMax, mechanisms } = options;
  const container = rhea.create_container({ id });
  if (mechanisms === undefined) container.sasl_server_mechanisms.enable_anonymous();
  // Without a prototype: rhea takes whatever is found under the name that a client sends.
  else container.sasl_server_mechanisms = { __proto__: null, ...mechanisms } as never;
  const connection = container.create_connection({
    container_id: id,
    max_frame_size: frameBytesMax,
    channel_max: sessionsMax - 1,
    offered_capabilities: ["ANONYMOUS-RELAY"],
    properties: { product: "Millrace" },
    session_buffer_size: unsettledMax,
    receiver_options: { credit_window: 0, autoaccept: false, autosettle: false },
    sender_options: { autosettle: false, treat_modified_as_released: false },
    reconnect: false,
    // Typed for clients; what a server uses of it stands above.
  } as never) as unknown as RheaConnection;
  return { events: container as unknown as EventEmitter, connection };
}

interface Outcomes {
  accepted(): { described(): unknown };
  released(): { described(): unknown };
  rejected(fields: { readonly error: Refusal }): { described(): unknown };
  unwrap_outcome(state: unknown): unknown;
}

const { types } = rhea;
const outcomes = rhea.message as unknown as Outcomes;

/** As the client asked for it; null where it named none. */
export function echoed(terminus: Terminus | null): unknown {
  return terminus?.described?.() ?? null;
}

/** What a receiver says, made of a state that is one of those it may have; undefined for none. */
export function outcomeOf(state: unknown): unknown {
  return state === undefined ? undefined : outcomes.unwrap_outcome(state);
}

const DISPOSITION = 0x15;
const ACCEPTED = outcomes.accepted().described();
const RELEASED = outcomes.released().described();

/** Settles deliveries; a refusal stands for `rejected`. */
export function writeDisposition(
  session: RheaSession,
  told: {
    readonly receives: boolean;
    readonly first: number;
    readonly last: number;
    readonly verdict: "accepted" | "released" | Refusal;
  },
): void {
  const { receives, first, last, verdict } = told;
  const fields = [
    types.wrap_boolean(receives),
    types.wrap_uint(first),
    types.wrap_uint(last),
    types.wrap_boolean(true),
    stateOf(verdict),
  ];
  session.output(types.described(types.wrap_ulong(DISPOSITION), types.wrap_list(fields)));
}

function stateOf(verdict: "accepted" | "released" | Refusal): unknown {
  if (verdict === "accepted") return ACCEPTED;
  if (verdict === "released") return RELEASED;
  return outcomes.rejected({ error: verdict }).described();
}
