/**
 * Transactional Kafka producers of both protocols: all of a transaction or nothing, offsets included;
 * and pairs of them that fence each other, of which only the newer is ever served.
 */

import type { Driver } from "../driver.ts";
import { Rivalry } from "./clients/rivalry.ts";
import { committedPosition, TransactionalProducer } from "./clients/transactional-producer.ts";
import { WireRecord } from "./wire-record.ts";

const NAME = "wire-transaction";
const PRODUCERS = [
  { name: "t0", protocol: "first" },
  { name: "t1", protocol: "second" },
] as const;
/** Two producers of one transactional id. */
const RIVALS = [
  { id: "first-rivals", protocol: "first" },
  { id: "second-rivals", protocol: "second" },
] as const;

export const wireTransactionDriver: Driver = {
  name: NAME,
  overWire: true,
  start: () => Promise.resolve(),
  createRecord: () => {
    let rivals: readonly TransactionalProducer[] = [];
    return new WireRecord({
      name: NAME,
      clients: ({ run: { random, control }, ...stage }) => {
        const commitUnanswered = control === "wire-commit-unanswered";
        const options = { ...stage, random, commitUnanswered };
        rivals = RIVALS.flatMap(({ id, protocol }) => {
          const shared = { id, rivalry: new Rivalry() };
          return ["a", "b"].map(
            (letter) =>
              new TransactionalProducer({ ...options, name: `${id}-${letter}`, protocol, shared }),
          );
        });
        const alone = PRODUCERS.map((each) => new TransactionalProducer({ ...options, ...each }));
        return [...alone, ...rivals];
      },
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
        "producers fenced": rivals.reduce((sum, { fencedCount }) => sum + fencedCount, 0),
        "records acknowledged": counts.acknowledged,
        "records found": counts.found,
      }),
    });
  },
};
