/** Transactions whose producers vanish, before and behind what others write and a group reads. */

import type { Driver } from "../driver.ts";
import { GroupMember } from "./clients/group-member.ts";
import { IdempotentProducer } from "./clients/idempotent-producer.ts";
import { VanishingProducer } from "./clients/vanishing-producer.ts";
import { WireRecord } from "./wire-record.ts";

const NAME = "wire-timeout";

export const wireTimeoutDriver: Driver = {
  name: NAME,
  overWire: true,
  start: () => Promise.resolve(),
  createRecord: () =>
    new WireRecord({
      name: NAME,
      clients: ({ run: { random }, ...stage }) => [
        new VanishingProducer({ ...stage, name: "v", random }),
        new IdempotentProducer({ ...stage, name: "o", random }),
        new GroupMember({ ...stage, name: "m", group: NAME, random, onAssigned: () => undefined }),
      ],
      totals: ({ counts }) => ({
        "transactions timed out": counts.judged,
        "records acknowledged": counts.acknowledged,
        "records read": counts.polled,
        "polls judged": counts.pollsJudged,
      }),
    }),
};
