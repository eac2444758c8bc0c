/** What the golden broker is asked to keep: every form that a key, a header and a value may have. */

import type { QueueSpec } from "../../src/broker/queues.ts";
import type { StreamSpec } from "../../src/broker/streams.ts";
import { createSeededRandom } from "../../src/model/ids.ts";
import type { Header, RawMessage } from "../../src/model/message.ts";

const DAY_MS = 86_400_000;
const WINDOW = { count: 1_000, ms: DAY_MS };

export const ORDERS: StreamSpec = {
  name: "orders",
  partitions: 2,
  retention: { ageMs: 90 * DAY_MS, bytes: 1_000_000 },
  durability: { mode: "fsync" },
  dedupe: WINDOW,
};
export const CANCELS: QueueSpec = {
  name: "cancels",
  attempts: 3,
  leaseMs: 30_000,
  depthMax: 1_000,
  dedupe: WINDOW,
};
/** Without a window of ids, so that nothing but its messages keeps its log from being trimmed. */
export const DESK: QueueSpec = { name: "order-desk", keyOrder: true };

const EVENT_COUNT = 27;
const EVENT_BYTES_MAX = 700;
const BULK_COUNT = 40;

export function goldenEvents(): RawMessage[] {
  const random = createSeededRandom(11);
  const key = (index: number): RawMessage["key"] => {
    if (index % 8 === 3) return null;
    if (index === 7) return Uint8Array.of(0xff, 0x00, 0x80, 0x07);
    return index === 11 ? "Zürich 😀" : `order-${index % 5}`;
  };
  const value = (index: number): Uint8Array | null => {
    if (index === 5) return new Uint8Array(0);
    return index === 9 ? null : random.bytes(Math.floor(random.next() * EVENT_BYTES_MAX));
  };
  return Array.from({ length: EVENT_COUNT }, (_, index) => {
    const headers: Header[] = [
      ["ce_id", `event-${index}`],
      ["ce_source", "shop"],
      ["ce_type", "order.placed"],
    ];
    if (index % 6 === 0) headers.push(["tag", "a"], ["tag", "b"], ["raw", Uint8Array.of(0xfe, 0)]);
    return { key: key(index), headers: index === 13 ? [] : headers, value: value(index) };
  });
}

export function goldenCommand(text: string): RawMessage {
  return {
    key: text === "waiting" ? null : "order-1",
    headers: [
      ["ce_id", `command-${text}`],
      ["ce_source", "shop"],
      ["note", Uint8Array.of(0xff, 0x00, text.length)],
    ],
    value: Buffer.from(JSON.stringify({ text })),
  };
}

/** Enough to fill a segment: once accepted, all that is behind them can be trimmed. */
export function bulkCommands(): RawMessage[] {
  return Array.from({ length: BULK_COUNT }, (_, index) => ({
    key: null,
    headers: [],
    value: Buffer.from(`bulk ${index} `.repeat(20)),
  }));
}
