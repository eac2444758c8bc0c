/** Bounds of the doors switched off on purpose: the suite must find out each of them. */

import type { DoorsAccess } from "../../src/embedded/doors/open-doors.ts";

interface Control {
  /** The attack that must not be held. */
  readonly attack: string;
  readonly doors: DoorsAccess;
}

const NEVER_MS = 24 * 60 * 60_000;

export const CONTROLS: Readonly<Record<string, Control>> = {
  /** Readers of Kafka may leave as much as they like unread. */
  "no-budget": {
    attack: "stalled-readers",
    doors: {
      kafka: {
        limits: { bytesMax: Infinity },
        connectionLimits: { unsentBytesMax: Infinity, stalledMs: NEVER_MS },
      },
    },
  },
  /** Frames of any size are gathered, from everybody at once. */
  "no-frame-budget": {
    attack: "large-halves",
    doors: { kafka: { limits: { bytesMax: Infinity } } },
  },
  /** Only so few connections that strangers keep others out. */
  "few-connections": { attack: "half-open", doors: { kafka: { limits: { connectionsMax: 100 } } } },
};
