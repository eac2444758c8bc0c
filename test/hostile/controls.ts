/** Bounds of the doors switched off on purpose: the suite must find out each of them. */

import type { DoorsAccess } from "../../src/embedded/doors/open-doors.ts";

interface Control {
  /** The attack that must not be held. */
  readonly attack: string;
  /** What it must be found out by: anything else says nothing of the bound. */
  readonly foundBy: RegExp;
  readonly doors: DoorsAccess;
}

const NEVER_MS = 24 * 60 * 60_000;

export const CONTROLS: Readonly<Record<string, Control>> = {
  /** Readers of Kafka may leave as much as they like unread. */
  "no-budget": {
    attack: "stalled-readers",
    foundBy: /too much memory/,
    doors: {
      kafka: {
        limits: { bytesMax: Infinity },
        connectionLimits: { unsentBytesMax: Infinity, stalledMs: NEVER_MS },
      },
    },
  },
  /** Messages of AMQP clients are gathered without end. */
  "no-amqp-budget": {
    attack: "amqp-endless-transfers",
    foundBy: /too much memory/,
    doors: { amqp: { limits: { bytesMax: Infinity, unfinishedBytesMax: Infinity } } },
  },
  /** Only so few connections that strangers keep others out. */
  "few-connections": {
    attack: "half-open",
    foundBy: /connections of/,
    doors: { kafka: { limits: { connectionsMax: 100 } } },
  },
};
