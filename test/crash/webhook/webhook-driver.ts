/** Notices are published, and go out to the partner by webhook and by effect; its posts come in. */

import { assert } from "../../../src/model/assert.ts";
import { delay } from "../../../src/model/clock.ts";
import type { Driver } from "../driver.ts";
import { startSenders } from "../drivers/keyed-sequences.ts";
import type { Json } from "../report.ts";
import { Noticed } from "./hooks.ts";
import { COMPONENT, runHooks } from "./run-hooks.ts";
import { PREFIX, WebhookRecord } from "./webhook-record.ts";

/** Deliveries take a request each: more notices would only wait. */
const SEND_PAUSE_MS = 20;

export const webhookDriver: Driver = {
  name: COMPONENT,
  start: async (context) => {
    const { tell, control, resume, environment } = context;
    const [url, senders = null]: readonly Json[] = Array.isArray(resume) ? resume : [];
    assert(typeof url === "string", "the partner listens before the child begins");
    const keyOf = (key: string): string =>
      control === "key-per-try" ? environment.ids.newId() : key;
    const app = await runHooks(context, { url, keyOf, door: true });
    tell("door", app.door!.url);
    return () => {
      startSenders({
        tell,
        resume: senders,
        prefix: PREFIX,
        callsInFlight: 1,
        acknowledgeFirst: false,
        send: async (messages) => {
          await delay(environment.clock, SEND_PAUSE_MS);
          await Promise.all(
            messages.map(({ key: account, sequence: nth }) =>
              app.publish(Noticed({ account, nth }), { id: `${account}:${nth}` }),
            ),
          );
        },
      });
    };
  },
  createRecord: () => new WebhookRecord(),
};
