/**
 * Groups whose members come and go while they read.
 *
 * A message may be read twice: its reader lost the partition before it had committed. What may not be is
 * that a message is never read, that somebody is given what the group has committed (`behindCommit`), or
 * that nobody reads for longer than a rebalance may take. Each program counts these, and on Kafka itself
 * (`--kafka`) they are the same. kafkajs alone reads some twice there, too, now and then: it commits
 * behind a batch, and what it is refused while others join it does not try again.
 */

import { type ClientCase, type Counts, countsOf } from "../client-case.ts";

const DEMANDS: Counts = {
  together: 3,
  unseen: 0,
  behindCommit: 0,
  stoodStill: 0,
  committedToEnd: 6,
};
const TIMEOUT_MS = 120_000;

function librdkafka(kind: string, strategy: string, membership: string): ClientCase {
  return {
    name: `confluent-kafka ${kind} members`,
    demands: { ...DEMANDS, noticed: 0 },
    timeoutMs: TIMEOUT_MS,
    run: async ({ kafka, name, tools }) => {
      const args = [kafka, name("topic"), name("group"), strategy, membership];
      return countsOf(await tools.python("confluent_coming_and_going.py", args));
    },
  };
}

export const COMING_AND_GOING: readonly ClientCase[] = [
  {
    name: "kafkajs members",
    demands: DEMANDS,
    timeoutMs: TIMEOUT_MS,
    run: async ({ kafka, name, tools }) => {
      const args = [kafka, name("topic"), name("group")];
      return countsOf(await tools.node("kafkajs-coming-and-going.mjs", args));
    },
  },
  librdkafka("eager", "range,roundrobin", "dynamic"),
  librdkafka("cooperative", "cooperative-sticky", "dynamic"),
  librdkafka("static", "cooperative-sticky", "static"),
  {
    name: "java cooperative members",
    demands: DEMANDS,
    timeoutMs: TIMEOUT_MS,
    run: async ({ kafka, name, tools }) => {
      const assignor = "org.apache.kafka.clients.consumer.CooperativeStickyAssignor";
      const args = [kafka, name("topic"), name("group"), assignor];
      return countsOf(await tools.java("ComingAndGoing.java", args));
    },
  },
];
