/** Transactional Kafka producers of both protocols: all of a transaction or nothing, offsets included. */

import type { Driver } from "../driver.ts";
import { committedPosition, TransactionalProducer } from "./transactional-producer.ts";
import { WireRecord } from "./wire-record.ts";

const NAME = "wire-transaction";
const PRODUCERS = [
  { name: "t0", protocol: "first" },
  { name: "t1", protocol: "second" },
  { name: "t2", protocol: "first" },
  { name: "t3", protocol: "second" },
] as const;

export const wireTransactionDriver: Driver = {
  name: NAME,
  overWire: true,
  start: () => Promise.resolve(),
  createRecord: () =>
    new WireRecord({
      name: NAME,
      clients: ({ run: { random, control }, ...stage }) =>
        PRODUCERS.map((producer) => {
          const commitUnanswered = control === "wire-commit-unanswered";
          return new TransactionalProducer({ ...stage, ...producer, random, commitUnanswered });
        }),
      positions: async (client) => {
        const positions = new Map<string, number>();
        for (const { name } of PRODUCERS) {
          const place = { topic: NAME, producer: name };
          positions.set(name, await committedPosition(client, place));
        }
        return positions;
      },
      totals: ({ counts }) => ({
        "transactions committed": counts.committed,
        "transactions aborted": counts.aborted,
        "transactions judged": counts.judged,
        "records acknowledged": counts.acknowledged,
        "records found": counts.found,
      }),
    }),
};
