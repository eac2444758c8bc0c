/**
 * `/hooks/{path}`: webhooks that connectors receive. They prove the sender by its signature, so neither
 * token nor `Host` is asked for: senders know no token, and come through names of gateways. What they
 * get to see is only what the receiver answers.
 */

import type { Hono } from "hono";
import { MillraceError } from "../../model/errors.ts";
import type { WebhookReceiver } from "../../service/inbound.ts";
import type { DoorRoom } from "../door-room.ts";

export const HOOKS_PREFIX = "/hooks/";

/** Throws BAD_DECLARATION for two receivers at one path. */
export function addHookRoutes(
  app: Hono,
  room: DoorRoom,
  receivers: readonly WebhookReceiver[],
): void {
  const byPath = new Map<string, WebhookReceiver>();
  for (const receiver of receivers) {
    const other = byPath.get(receiver.path);
    if (other !== undefined) {
      throw new MillraceError(
        "BAD_DECLARATION",
        `the webhooks "${other.name}" and "${receiver.name}" both stand at ${HOOKS_PREFIX}${receiver.path}; give one another path`,
        { details: { path: receiver.path } },
      );
    }
    byPath.set(receiver.path, receiver);
  }
  app.all(`${HOOKS_PREFIX}*`, async (c) => {
    const path = c.req.path.slice(HOOKS_PREFIX.length);
    const receiver = byPath.get(path);
    if (receiver === undefined) {
      const shown = JSON.stringify(path.slice(0, 100));
      throw new MillraceError("NOT_FOUND", `no webhook is received at ${shown}`);
    }
    return receiver.handle(c.req.raw, {
      publish: (messages) => room.admin.publish(messages),
      nowMs: room.nowMs(),
    });
  });
}
