/** Law 6: the same message twice counts once, across restarts. */

import assert from "node:assert/strict";
import type { RawMessage } from "../../model/message.ts";
import { consumer } from "../../service/consumer/consumer.ts";
import { compareLists } from "../case.ts";
import type { Law } from "../law-case.ts";
import { readStream } from "../messages.ts";
import {
  Counted,
  counts,
  Echoed,
  echoes,
  items,
  queueKeeper,
  repeats,
  streamKeeper,
  trail,
  trailsFor,
  trailsOf,
  Work,
  work,
} from "./declarations.ts";
import { openStage } from "./stage.ts";

const withoutBroker = ({ key, headers, value }: RawMessage): RawMessage => ({
  key,
  headers,
  value,
});

export const once: Law = {
  topic: "law 6",
  cases: [
    {
      title: "a stranger's message that comes twice counts once, also across a restart",
      needs: ["restart"],
      run: async (context) => {
        for (let life = 0; life < 2; life++) {
          await using stage = await openStage(context, streamKeeper(repeats));
          for (let time = 0; time < 2; time++) {
            await stage.publish(Counted({ key: "a", n: 1 }), { id: "same" });
          }
          await stage.publish(Counted({ key: "a", n: 2 + life }));
          await stage.settled();
          await context.restart();
        }
        await using stage = await openStage(context, streamKeeper(repeats));
        assert.equal((await stage.envelopes("repeats")).length, 6, "the broker keeps all of them");
        assert.deepEqual(await trailsOf(stage), { a: [1, 2, 3] });
      },
    },
    {
      title: "a command that comes twice counts once, also across a restart",
      needs: ["restart", "queues", "deadLetters", "delay"],
      run: async (context) => {
        for (let life = 0; life < 2; life++) {
          await using stage = await openStage(context, queueKeeper(work));
          for (let time = 0; time < 2; time++) {
            await stage.publish(Work({ key: "a", n: 1 }), { id: "same" });
            await stage.settled();
          }
          await context.restart();
        }
        await using stage = await openStage(context, queueKeeper(work));
        await stage.settled();
        assert.deepEqual(await trailsOf(stage), { a: [1] });
      },
    },
    {
      title: "what a relay publishes again after a crash counts once, wherever it lands",
      needs: ["restart"],
      run: async (context) => {
        const echo = consumer("echo", { from: counts, publishes: echoes }).handle({
          Counted: (data, { emit }) => emit(Echoed(data)),
        });
        const reader = consumer("keeper", { from: echoes, docs: { trail } }).handle({
          Echoed: async ({ key, n }, { docs }) => {
            const { ns } = (await docs.trail.get(key)) ?? { ns: [] };
            docs.trail.put(key, { ns: [...ns, n] });
          },
        });
        const all = items(30);
        let published: readonly RawMessage[] = [];
        {
          await using stage = await openStage(context, [echo, reader]);
          await stage.publish(all.map(Counted));
          await stage.settled();
          const streams = stage.broker.streams!;
          published = (await stage.until(readStream(streams, "echoes"))).map(withoutBroker);
          // As a relay that lost the answer does: the same places again, from some message on.
          await stage.until(streams.append("echoes", published.slice(10)));
          await stage.settled();
        }
        await context.restart();
        await using stage = await openStage(context, [echo, reader]);
        await stage.until(stage.broker.streams!.append("echoes", published));
        await stage.settled();
        assert.equal((await stage.envelopes("echoes")).length, 80);
        const trails = await trailsOf(stage);
        for (const [key, ns] of Object.entries(trailsFor(all))) {
          compareLists(context.note, key, trails[key]!, ns);
        }
        assert.equal((await stage.status("keeper")).duplicates, 30);
      },
    },
  ],
};
