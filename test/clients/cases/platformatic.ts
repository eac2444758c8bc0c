import { type ClientCase, countsOf } from "../client-case.ts";

const MESSAGES = 1000;

export const PLATFORMATIC: readonly ClientCase[] = [
  {
    name: "platformatic group",
    demands: { sent: MESSAGES, received: MESSAGES, distinct: MESSAGES, outOfOrder: 0, topics: 1 },
    run: async ({ kafka, name, tools }) =>
      countsOf(
        await tools.node("platformatic-group.mjs", [
          kafka,
          name("topic"),
          name("group"),
          String(MESSAGES),
        ]),
      ),
  },
];
