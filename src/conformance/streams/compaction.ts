/** Compaction: of each key the newest message stays, at its offset, and the others go. */

import assert from "node:assert/strict";
import { valuesOf } from "../../model/outcome.ts";
import type { BrokerTopic } from "../broker-case.ts";
import { eventually } from "../broker-case.ts";
import { message, readAll } from "../messages.ts";

export const compaction: BrokerTopic = {
  topic: "compaction",
  cases: [
    {
      title: "of each key the newest message stays, at its offset",
      needs: ["compaction"],
      run: async (context) => {
        const name = context.name("prices");
        const streams = context.streams();
        await streams.ensureStream({ name, partitions: 1, compaction: { maxLagMs: 3_600_000 } });
        const offsets: number[] = [];
        for (const [index, key] of ["a", "b", "a", "c", "b"].entries()) {
          const answers = valuesOf(await streams.append(name, [message(`${index}`, { key })]));
          offsets.push(...answers.map(({ offset }) => offset));
        }
        const kept = async (): Promise<readonly number[]> =>
          (await readAll(streams, name, { from: "earliest" })).map(({ offset }) => offset);
        const settled = async (): Promise<boolean> => (await kept()).length === 3;
        await eventually(context, "what was replaced went", settled, {
          stepMs: 900_000,
          tries: 60,
        });
        assert.deepEqual(await kept(), [offsets[2], offsets[3], offsets[4]]);
      },
    },
    {
      title: "a message without a key is refused, and those beside it are taken",
      needs: ["compaction"],
      run: async (context) => {
        const name = context.name("prices");
        const streams = context.streams();
        await streams.ensureStream({ name, partitions: 1, compaction: {} });
        const [keyless, keyed] = await streams.append(name, [
          message("1"),
          message("2", { key: "a" }),
        ]);
        assert.ok(keyless?.ok === false && keyed?.ok === true);
      },
    },
  ],
};
