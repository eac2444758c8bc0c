/**
 * The shop's books, compared: what the bank moved, what stands on the shelves, and what became of the
 * orders must add up, whatever was killed on the way.
 */

import type { App } from "millrace";
import { books } from "./outside/bank.ts";
import { orderList } from "./services/orders.ts";
import { SHELF_START, type Reservation, type Shelf } from "./services/shipping.ts";

export interface Audit {
  /** What was compared; all counts, so that an empty shop is not taken for a sound one. */
  readonly counts: Readonly<Record<string, number>>;
  /** What does not add up; empty in a sound shop. */
  readonly problems: readonly string[];
}

/** To be asked when everything has come to rest. */
export async function audit(app: Pick<App, "find" | "services">): Promise<Audit> {
  const orders = await allOrders(app);
  const shelves = await documentsOf<Shelf>(app, "document.shelf");
  const reservations = await documentsOf<Reservation>(app, "document.reservation");
  const shipped = new Set(
    [...reservations].filter(([, { status }]) => status === "shipped").map(([id]) => id),
  );
  const problems: string[] = [];
  const balance = balances(problems);
  let completed = 0;
  let cancelled = 0;
  for (const { id, status, totalCents } of orders) {
    const paid = balance.get(id) ?? 0;
    if (status === "completed") {
      completed++;
      if (paid !== totalCents)
        problems.push(`${id} is completed, costs ${totalCents} and has ${paid}`);
      if (!shipped.has(id)) problems.push(`${id} is completed and was not shipped`);
    } else if (status === "cancelled") {
      cancelled++;
      if (paid !== 0) problems.push(`${id} is cancelled and ${paid} was kept`);
      if (shipped.has(id)) problems.push(`${id} is cancelled and was shipped`);
    } else problems.push(`${id} is stuck: ${status}`);
  }
  const known = new Set(orders.map(({ id }) => id));
  for (const [id, cents] of balance) {
    if (cents !== 0 && !known.has(id)) problems.push(`${cents} for ${id}, which nobody ordered`);
  }
  for (const [sku, { onHand, reserved, shipped: gone }] of shelves) {
    const sum = onHand + reserved + gone;
    if (sum !== SHELF_START) problems.push(`${sku}: ${sum} pieces, and there were ${SHELF_START}`);
    if (reserved !== 0) problems.push(`${sku}: ${reserved} pieces are still reserved`);
    if (onHand < 0) problems.push(`${sku}: ${onHand} pieces on hand`);
  }
  const counts = {
    orders: orders.length,
    completed,
    cancelled,
    movements: books.answers.length,
    shelves: shelves.size,
  };
  return { counts, problems };
}

interface OrderFacts {
  readonly id: string;
  readonly status: string;
  readonly totalCents: number;
}

async function allOrders(app: Pick<App, "find">): Promise<readonly OrderFacts[]> {
  const rows: OrderFacts[] = [];
  for (let after: string | undefined; ;) {
    const page = await app.find(orderList, { limit: 1000, ...(after !== undefined && { after }) });
    rows.push(...page.documents.map(({ id, data }) => ({ id, ...data })));
    if (page.next === undefined) return rows;
    after = page.next;
  }
}

/** A consumer's documents are its own: no query shows them, so the auditor opens the cupboard. */
async function documentsOf<Data>(
  { services }: Pick<App, "services">,
  collection: string,
): Promise<ReadonlyMap<string, Data>> {
  const { store } = services.find(({ service }) => service.name === "shipping")!;
  const found = new Map<string, Data>();
  for (let after: string | undefined; ;) {
    const query = { limit: 1000, ...(after !== undefined && { after }) };
    const page = await store.findDocuments(collection, query);
    for (const { id, json } of page.documents) found.set(id, JSON.parse(json));
    if (page.next === undefined) return found;
    after = page.next;
  }
}

/** What the bank keeps for each order. */
function balances(problems: string[]): ReadonlyMap<string, number> {
  const cents = new Map<string, number>();
  const seen = new Set<string>();
  for (const { kind, orderId, amountCents, accepted } of books.answers) {
    if (!accepted) continue;
    const once = `${kind} ${orderId}`;
    if (seen.has(once)) problems.push(`the bank has the ${kind} for ${orderId} twice`);
    seen.add(once);
    const sign = kind === "charge" ? 1 : -1;
    cents.set(orderId, (cents.get(orderId) ?? 0) + sign * amountCents);
  }
  return cents;
}
