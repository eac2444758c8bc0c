/**
 * Transfers past rhea. It reads each field of a frame into an object, makes five functions for every
 * delivery, and tells of each step by events that go from link to session to connection to container: half
 * of what a message cost here. So transfers are read and written by `transfer-frames.ts`, whole messages
 * become deliveries here, and what receivers say of a range is read once for all of it.
 *
 * rhea's own tables stay the truth: deliveries stand in its buffers, credit and windows in its fields, and
 * what is unusual (a message in several parts, a field of a strange type) goes its way.
 */

import { OVERHEAD_BYTES, TransferWriter, readTransfer } from "./transfer-frames.ts";
import type {
  Delivery,
  Frame,
  RheaConnection,
  RheaLink,
  RheaSession,
  SentDelivery,
  TransferFields,
} from "./rhea.ts";

const SIZE_BYTES = 4;
/** How many there are of 32 bits. */
const IDS = 2 ** 32;

/** From now on `on_transfer` is called with what is read here. Whole frames are what is handed to rhea. */
export function readTransfers(connection: RheaConnection): void {
  const transport = connection.amqp_transport;
  const read = transport.read.bind(transport);
  transport.read = (bytes) => {
    // Until then it may begin with a protocol header.
    if (transport.header_received === undefined) return read(bytes);
    let at = 0;
    while (at + SIZE_BYTES < bytes.length) {
      const size = bytes.readUInt32BE(at);
      const frame = readTransfer(bytes, at, size);
      if (frame === undefined) read(bytes.subarray(at, at + size));
      else connection.on_transfer(frame);
      at += size;
    }
    return at;
  };
}

/**
 * The delivery that a whole message in one frame is, counted as rhea counts; undefined where rhea has to
 * look at it.
 */
export function takeDelivery(
  { performative }: Frame<TransferFields>,
  session: RheaSession,
  link: RheaLink,
): Delivery | undefined {
  const { incoming } = session;
  const { delivery_id: id, settled, more } = performative;
  const isExpected = incoming.next_delivery_id === undefined || incoming.next_delivery_id === id;
  const isUsual = more !== true && link._incomplete === undefined && link.is_remote_open();
  if (!isUsual || !isExpected || typeof id !== "number") return undefined;
  const delivery: Delivery = {
    id,
    link,
    format: null,
    settled: false,
    remote_settled: settled === true,
    remote_state: undefined,
  };
  incoming.deliveries.push(delivery);
  countTransfer(session);
  incoming.next_delivery_id = id + 1;
  if (link.credit > 0) link.credit--;
  link.delivery_count++;
  return delivery;
}

/**
 * Counts frames as 32 bits do. A client may begin anywhere, and some (.NET's) do so just before the end; rhea
 * would ask for more after each frame then.
 */
function countTransfer({ incoming }: RheaSession): void {
  if (++incoming.next_transfer_id < IDS) return;
  incoming.next_transfer_id -= IDS;
  incoming.max_transfer_id -= IDS;
}

export interface DeliveryRange {
  readonly first: number;
  readonly last: number;
}

/** Notes what a receiver says of deliveries that there are. */
export function noteOutcome(
  { outgoing }: RheaSession,
  said: DeliveryRange & { readonly settled: boolean; readonly outcome: unknown },
): void {
  for (let id = said.first; id <= said.last; id++) {
    const delivery = outgoing.deliveries.by_id(id);
    if (delivery === undefined || delivery.remote_settled) continue;
    if (said.settled) delivery.remote_settled = true;
    if (said.outcome !== undefined) delivery.remote_state = said.outcome;
  }
}

/** The message counts as sent from now on, and leaves at the end of the tick, or when there is credit. */
export function sendDelivery(link: RheaLink, bytes: Buffer, format: number): SentDelivery {
  const { session, connection } = link;
  const { outgoing } = session;
  const delivery: SentDelivery = {
    id: outgoing.next_delivery_id,
    link,
    format,
    settled: false,
    remote_settled: false,
    remote_state: undefined,
    bytes,
    sentBytes: 0,
  };
  outgoing.deliveries.push(delivery);
  outgoing.next_delivery_id++;
  connection._register();
  return delivery;
}

/**
 * Takes back what a link that has ended was about to send. What waits behind it for the client's window
 * moves up: on the wire each delivery has the number after the one before.
 */
export function withdrawUnsent(link: RheaLink): void {
  const { outgoing } = link.session;
  const all: SentDelivery[] = [];
  outgoing.deliveries.pop_if((delivery) => all.push(delivery) > 0);
  const begun = all.find(({ id }) => id === outgoing.next_pending_delivery);
  // The rest of a message of which a part has left goes with its link, the number is used.
  const isCut = begun?.link === link && begun.sentBytes > 0;
  if (isCut) outgoing.next_pending_delivery++;
  const { next_pending_delivery: next } = outgoing;
  const kept = all.filter((delivery) => delivery.id < next || delivery.link !== link);
  const [head] = kept;
  const first = Math.min(head?.id ?? next, next);
  for (const [index, delivery] of kept.entries()) {
    delivery.id = first + index;
    outgoing.deliveries.push(delivery);
  }
  outgoing.next_delivery_id = first + kept.length;
}

/**
 * From now on what is sent on the session leaves by this, in few pieces; `turned` is called after each turn
 * of it, with ids of both directions given out.
 */
export function writeTransfers(
  connection: RheaConnection,
  session: RheaSession,
  turned: () => void,
): void {
  const { outgoing } = session;
  const writer = new TransferWriter((bytes) => connection.socket.write(bytes));
  outgoing.process = () => {
    if (connection.socket_ready) writePending(connection, session, writer);
    outgoing.deliveries.pop_if((delivery) => delivery.settled && delivery.remote_settled);
    turned();
  };
}

/** Ids of the session that are behind it: deliveries of both sides, and frames sent from here. */
export function idsOf({ incoming, outgoing }: RheaSession): number {
  return Math.max(
    incoming.next_delivery_id ?? 0,
    outgoing.next_delivery_id,
    outgoing.next_transfer_id,
  );
}

function writePending(
  connection: RheaConnection,
  session: RheaSession,
  writer: TransferWriter,
): void {
  const { outgoing } = session;
  const first = outgoing.next_pending_delivery;
  while (outgoing.next_pending_delivery < outgoing.next_delivery_id) {
    const delivery = outgoing.deliveries.by_id(outgoing.next_pending_delivery)!;
    const { link } = delivery;
    if (link.credit <= 0 || !writeParts(connection, delivery, writer)) break;
    if (delivery.settled) delivery.remote_settled = true;
    link.credit--;
    link.delivery_count++;
    outgoing.next_pending_delivery++;
  }
  writer.flush();
  // Its signs of life are reckoned from what was written last.
  if (outgoing.next_pending_delivery > first) connection.output();
}

/** False where the client's window ends before the message does. */
function writeParts(
  { max_frame_size: frameBytesMax }: RheaConnection,
  delivery: SentDelivery,
  writer: TransferWriter,
): boolean {
  const { id, link, format, settled, bytes } = delivery;
  const { session } = link;
  const { outgoing, local } = session;
  const partBytesMax = frameBytesMax ? frameBytesMax - OVERHEAD_BYTES : Infinity;
  do {
    if (outgoing.transfer_window() <= 0) return false;
    const from = delivery.sentBytes;
    const to = Math.min(bytes.length, from + partBytesMax);
    outgoing.window--;
    outgoing.next_transfer_id++;
    writer.add({
      channel: local.channel,
      handle: link.local.handle,
      id,
      format,
      settled,
      more: to < bytes.length,
      payload: from === 0 && to === bytes.length ? bytes : bytes.subarray(from, to),
    });
    delivery.sentBytes = to;
  } while (delivery.sentBytes < bytes.length);
  return true;
}
