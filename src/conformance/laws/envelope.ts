/**
 * Law 7: attempt count, original id, correlation, causation and trace travel in the envelope, whatever
 * the broker keeps.
 */

import assert from "node:assert/strict";
import { decodeEnvelope } from "../../codecs/cloudevents-reader.ts";
import { consumer } from "../../service/consumer/consumer.ts";
import type { Law } from "../law-case.ts";
import {
  Counted,
  counts,
  Echoed,
  echoes,
  queueKeeper,
  streamKeeper,
  Work,
  work,
} from "./declarations.ts";
import { openStage } from "./stage.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";

export const envelope: Law = {
  topic: "law 7",
  cases: [
    {
      // proves: reactions-with-causation
      title: "correlation, causation, actor and trace travel through events, commands and retries",
      needs: ["queues", "deadLetters", "delay"],
      run: async (context) => {
        const commands: string[] = [];
        const sender = consumer("sender", { from: counts, sends: work }).handle({
          Counted: (data, { emit, attempt }) => {
            emit(Work(data));
            if (attempt < 2) throw new Error("once more");
          },
        });
        const worker = consumer("worker", { from: work, publishes: echoes }).handle({
          Work: (data, { id, emit, attempt }) => {
            commands.push(id);
            emit(Echoed(data));
            if (attempt < 2) throw new Error("once more");
          },
        });
        await using stage = await openStage(context, [sender, worker]);
        const [root] = await stage.publish(Counted({ key: "a", n: 1 }), {
          actor: "ann",
          trace: { traceparent: `00-${TRACE}-00f067aa0ba902b7-01` },
        });
        await stage.settled();
        await stage.eventually(
          "it came out",
          async () => (await stage.envelopes("echoes")).length > 0,
        );
        const [command, ...rest] = new Set(commands);
        assert.equal(commands.length, 2);
        assert.deepEqual(rest, [], "each try is of the same message");
        const [echo, ...more] = await stage.envelopes("echoes");
        assert.deepEqual(more, []);
        assert.equal(echo!.causation, command);
        assert.equal(echo!.correlation, root!.id);
        assert.equal(echo!.actor, "ann");
        assert.equal(echo!.source, "laws");
        assert.equal(echo!.trace?.traceparent.split("-")[1], TRACE);
        assert.notEqual(command, root!.id);
        assert.equal(new Set([echo!.id, command, root!.id]).size, 3);
      },
    },
    {
      title: "the tries of a stream's message are counted, and it keeps its id in every one",
      run: async (context) => {
        const tries: (readonly [id: string, attempt: number])[] = [];
        const part = streamKeeper(counts, {
          policy: { attempts: 3 },
          before: (_, { id, attempt }) => {
            tries.push([id, attempt]);
            if (tries.length !== 4) throw new Error("not yet");
          },
        });
        await using stage = await openStage(context, part);
        const [published] = await stage.publish(Counted({ key: "a", n: 1 }));
        await stage.settled();
        const id = published!.id;
        const [parked] = await stage.until(stage.running.listParked("keeper"));
        assert.equal(parked?.cause?.attempts, 3);
        const kept = decodeEnvelope(parked.message, { receivedMs: 0 });
        assert.equal(kept.id, id);
        await stage.until(stage.running.redriveParked("all"));
        await stage.settled();
        assert.deepEqual(
          tries.map(([of]) => of),
          [id, id, id, id],
        );
        assert.deepEqual(
          tries.slice(0, 3).map(([, attempt]) => attempt),
          [1, 2, 3],
        );
      },
    },
    {
      title: "the tries of a command are counted, and it keeps its id, dead and redriven too",
      needs: ["queues", "deadLetters", "delay", "attemptCount"],
      run: async (context) => {
        const tries: (readonly [id: string, attempt: number])[] = [];
        const part = queueKeeper(work, {
          before: (_, { id, attempt }) => {
            tries.push([id, attempt]);
            if (tries.length < 4) throw new Error("not yet");
          },
        });
        await using stage = await openStage(context, part);
        const queues = stage.broker.queues!;
        const [sent] = await stage.publish(Work({ key: "a", n: 1 }));
        const id = sent!.id;
        await stage.eventually("it is dead", async () => {
          return (await queues.describeQueue("work")).deadLetters === 1;
        });
        const [letter] = await stage.until(queues.listDeadLetters("work"));
        assert.equal(letter!.attempts, 3);
        assert.equal(decodeEnvelope(letter!.message, { receivedMs: 0 }).id, id);
        await stage.until(queues.redriveDeadLetters("work", "all"));
        await stage.settled();
        assert.deepEqual(tries, [
          [id, 1],
          [id, 2],
          [id, 3],
          [id, 1],
        ]);
      },
    },
  ],
};
