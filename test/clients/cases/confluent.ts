import { type ClientCase, countsOf } from "../client-case.ts";

const MESSAGES = 1000;

export const CONFLUENT: readonly ClientCase[] = [
  {
    name: "confluent-kafka group",
    demands: {
      partitions: 4,
      sent: MESSAGES,
      received: MESSAGES,
      distinct: MESSAGES,
      committed: MESSAGES,
    },
    run: async ({ kafka, name, tools }) =>
      countsOf(
        await tools.python("confluent_group.py", [
          kafka,
          name("topic"),
          name("group"),
          String(MESSAGES),
        ]),
      ),
  },
  {
    name: "confluent-kafka transaction",
    demands: { committed: MESSAGES, aborted: MESSAGES, readCommitted: MESSAGES },
    run: async ({ kafka, name, tools }) =>
      countsOf(
        await tools.python("confluent_transaction.py", [
          kafka,
          name("topic"),
          name("transaction"),
          String(MESSAGES),
        ]),
      ),
  },
];
