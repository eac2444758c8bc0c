/**
 * Members of a Kafka group that come and go, and read what is committed of a topic into which plain and
 * transactional producers write.
 */

import type { Driver } from "../driver.ts";
import { GroupMember } from "./clients/group-member.ts";
import { IdempotentProducer } from "./clients/idempotent-producer.ts";
import { TransactionalProducer } from "./clients/transactional-producer.ts";
import { WireRecord } from "./wire-record.ts";

const NAME = "wire-group";
const MEMBERS = 3;

export const wireGroupDriver: Driver = {
  name: NAME,
  overWire: true,
  start: () => Promise.resolve(),
  createRecord: () => {
    let assignments = 0;
    const onAssigned = (): void => void assignments++;
    return new WireRecord({
      name: NAME,
      clients: ({ run: { random, control }, ...stage }) => [
        new IdempotentProducer({ ...stage, name: "g", random }),
        new TransactionalProducer({ ...stage, name: "gt0", random, protocol: "first" }),
        new TransactionalProducer({ ...stage, name: "gt1", random, protocol: "second" }),
        ...Array.from({ length: MEMBERS }, (_, index) => {
          return new GroupMember({
            ...stage,
            name: `m${index}`,
            group: NAME,
            random,
            onAssigned,
            commitFirst: control === "wire-commit-first",
            forgetsCommits: control === "wire-position-forgotten",
          });
        }),
      ],
      totals: ({ counts }) => ({
        assignments: assignments,
        "positions acknowledged": counts.positions,
        "records read": counts.polled,
        "polls judged": counts.pollsJudged,
        "transactions aborted": counts.aborted,
      }),
    });
  },
};
