import { type ClientCase, countsOf } from "../client-case.ts";

const MESSAGES = 1000;

export const KAFKAJS: readonly ClientCase[] = [
  {
    name: "kafkajs group",
    demands: { sent: MESSAGES, received: MESSAGES, distinct: MESSAGES, outOfOrder: 0 },
    run: async ({ kafka, name, tools }) =>
      countsOf(
        await tools.node("kafkajs-group.mjs", [
          kafka,
          name("topic"),
          name("group"),
          String(MESSAGES),
        ]),
      ),
  },
];
