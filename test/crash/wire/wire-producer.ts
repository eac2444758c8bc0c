/** Idempotent Kafka producers: what was acknowledged is there once, at the offset that was told. */

import type { Driver } from "../driver.ts";
import { IdempotentProducer } from "./clients/idempotent-producer.ts";
import { WireRecord } from "./wire-record.ts";

const NAME = "wire-producer";
const PRODUCERS = 2;

export const wireProducerDriver: Driver = {
  name: NAME,
  overWire: true,
  start: () => Promise.resolve(),
  createRecord: () =>
    new WireRecord({
      name: NAME,
      clients: ({ run: { random, control }, ...stage }) =>
        Array.from(
          { length: PRODUCERS },
          (_, index) =>
            new IdempotentProducer({
              ...stage,
              name: `p${index}`,
              random,
              acknowledgeEarly: control === "wire-ack-early",
            }),
        ),
      totals: ({ counts }) => ({
        "records acknowledged": counts.acknowledged,
        "records found": counts.found,
      }),
    }),
};
