/**
 * The services under test: notices go out to a partner by webhook and by an effect of a consumer, and
 * what the partner posts is counted. Everything is numbered per account from 0.
 */

import * as z from "zod";
import { webhookIn } from "../../../src/connectors/webhook/webhook-in.ts";
import { webhookOut } from "../../../src/connectors/webhook/webhook-out.ts";
import { stream } from "../../../src/schema/channel.ts";
import { event } from "../../../src/schema/message-type.ts";
import { consumer } from "../../../src/service/consumer/consumer.ts";
import { document } from "../../../src/service/consumer/document.ts";
import type { WebhookReceiver } from "../../../src/service/inbound.ts";
import type { Service } from "../../../src/service/part.ts";
import { service } from "../../../src/service/service.ts";
import { type Tally, tally } from "../service/till.ts";

export const SECRET = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
export const HOOK = "inbox";

const numbered = z.object({ account: z.string(), nth: z.number() });
export type NumberedData = z.infer<typeof numbered>;
const key = ({ account }: NumberedData): string => account;

export const Noticed = event("partner.noticed", numbered, { key });
const Posted = event("partner.posted", numbered, { key });
const notices = stream(
  "notices",
  { Noticed },
  { partitions: 3, dedupe: { count: 1_000_000, age: "1h" } },
);
/** Without a window of ids, so that a repeated post is the consumer's work alone. */
const posts = stream("posts", { Posted }, { partitions: 2, dedupe: false });

export const counted = document<Tally>("counted");
const NONE: Tally = { count: 0, next: 0, missing: 0, repeated: 0 };

export interface Hooks {
  readonly partner: Service;
  readonly inbox: WebhookReceiver;
}

export interface HooksOptions {
  /** Where the partner listens. */
  readonly url: string;
  /** What goes out as the key of an effect; the key itself, but for the control. */
  readonly keyOf: (idempotencyKey: string) => string;
}

export function createHooks({ url, keyOf }: HooksOptions): Hooks {
  const out = webhookOut("out", {
    from: notices,
    url: `${url}/webhook`,
    secret: SECRET,
    allow: ["127.0.0.1"],
    plainHttp: true,
  });
  const caller = consumer("caller", { from: notices }).handle({
    Noticed: async (notice, { effect }) => {
      await effect("tell", async ({ idempotencyKey, signal }) => {
        const headers = { "idempotency-key": keyOf(idempotencyKey) };
        const body = JSON.stringify(notice);
        const answer = await fetch(`${url}/effect`, { method: "POST", body, headers, signal });
        return { status: answer.status };
      });
    },
  });
  const counter = consumer("counter", { from: posts, docs: { counted } }).handle({
    Posted: async ({ account, nth }, { docs }) => {
      docs.counted.put(account, tally((await docs.counted.get(account)) ?? NONE, nth));
    },
  });
  const inbox = webhookIn(HOOK, { secret: SECRET, to: posts, map: (body) => Posted(body) });
  return { partner: service("partner", { out, caller, counter }), inbox };
}
