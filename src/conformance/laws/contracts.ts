/**
 * Law 13: an invalid message is refused at publish with the field's name; a change of schema that
 * breaks readers is refused when it is built and when it is started, with the readers it would break.
 */

import assert from "node:assert/strict";
import { stream } from "../../schema/channel.ts";
import { checkContract } from "../../schema/contract-check.ts";
import { event } from "../../schema/message-type.ts";
import { consumer } from "../../service/consumer/consumer.ts";
import { announceContracts } from "../../service/contract/announce-contracts.ts";
import { lockOf, refuseBrokenContract } from "../../service/contract/service-contracts.ts";
import { service } from "../../service/service.ts";
import type { Service } from "../../service/part.ts";
import type { Law } from "../law-case.ts";
import {
  Counted,
  counts,
  items,
  record,
  streamKeeper,
  structure,
  trailsFor,
  trailsOf,
  Work,
  work,
  queueKeeper,
} from "./declarations.ts";
import { openStage, refused } from "./stage.ts";

/** A publisher and two readers of one event, which has the field `n` as said. */
function shop(n: "number" | "string", version = 1): readonly Service[] {
  const fields = { key: "string", n } as const;
  const Sold = event("sold", record<any>(fields), {
    key: (data) => data.key,
    version,
    upcast: version === 1 ? {} : { 1: (old) => ({ ...old, n: String(old.n) }) },
    jsonSchema: structure<any>(fields),
  });
  const sales = stream("sales", { Sold }, { partitions: 1 });
  const seller = consumer("seller", { from: counts, publishes: sales }).handle({
    Counted: (data, { emit }) => emit(Sold(data)),
  });
  const reader = consumer("reader", { from: sales }).handle({ Sold: () => undefined });
  return [
    service("shop", { seller }),
    service("billing", { reader }),
    service("reporting", { reader }),
  ];
}

export const contracts: Law = {
  topic: "law 13",
  cases: [
    {
      title:
        "an invalid event is refused at publish with the field's name, and keeps no other back",
      run: async (context) => {
        await using stage = await openStage(context, streamKeeper(counts));
        const wrong: any = { key: "a", n: "one" };
        const outcomes = await stage.attempt([
          ...items(2, ["a"]).map(Counted),
          Counted(wrong),
          Counted({ key: "a", n: 2 }),
        ]);
        assert.deepEqual(
          outcomes.map(({ ok }) => ok),
          [true, true, false, true],
        );
        const { message, details } = await refused("BAD_PAYLOAD", stage.publish(Counted(wrong)));
        assert.match(message, /^counted: n: expected a number/);
        assert.deepEqual(details["fields"], ["n"]);
        await stage.settled();
        assert.deepEqual(await trailsOf(stage), trailsFor(items(3, ["a"])));
        assert.deepEqual(await stage.until(stage.running.listParked("keeper")), []);
      },
    },
    {
      title: "an invalid command is refused with the field's name, sent or asked",
      needs: ["queues", "deadLetters", "delay"],
      run: async (context) => {
        await using stage = await openStage(context, queueKeeper(work));
        const wrong: any = { key: "a" };
        const calls = [
          () => stage.publish(Work(wrong)),
          () => stage.until(stage.running.ask(Work(wrong), { deadlineMs: 5000 })),
        ];
        for (const call of calls) {
          const { details } = await refused("BAD_PAYLOAD", call());
          assert.deepEqual(details["fields"], ["n"]);
        }
        await stage.settled();
        assert.deepEqual(await trailsOf(stage), {});
      },
    },
    {
      // proves: unit-of-work
      title:
        "an invalid message that a handler emits is its failure, and nothing of it takes effect",
      run: async (context) => {
        const [{ parts } = service("none", {})] = shop("number");
        const sales = parts[0]!.publishes[0]!;
        const seller = consumer("seller", {
          from: counts,
          publishes: sales,
          policy: { attempts: 1 },
        }).handle({
          Counted: ({ key }, { emit }) => {
            emit({ type: "sold", data: { key, n: 1 } });
            emit({ type: "sold", data: { key, n: "one" } });
          },
        });
        await using stage = await openStage(context, seller);
        await stage.publish(Counted({ key: "a", n: 1 }));
        await stage.settled();
        const [row] = await stage.until(stage.running.listParked("seller"));
        assert.deepEqual([row?.cause?.kind, row?.cause?.code], ["bug", "BAD_PAYLOAD"]);
        assert.match(row!.cause!.message, /\bn\b/);
        assert.deepEqual(await stage.envelopes("sales"), []);
      },
    },
    {
      title: "a start that breaks readers who announced themselves is refused with their names",
      needs: ["restart"],
      run: async (context) => {
        const { environment } = context;
        const [seller, billing, reporting] = shop("number");
        const starting = async (services: readonly (Service | undefined)[]): Promise<unknown> => {
          await using stage = await openStage(context, streamKeeper(counts));
          const streams = stage.broker.streams!;
          const given = services.filter((each) => each !== undefined);
          await stage.until(announceContracts(given, { streams, environment }));
          return (await stage.envelopes("millrace.contracts")).map(({ source }) => source);
        };
        await starting([seller, billing]);
        await context.restart();
        assert.deepEqual(await starting([reporting]), ["shop", "billing", "reporting"]);
        await context.restart();
        const error = await refused("CONTRACT_BROKEN", starting([shop("string")[0]]));
        assert.deepEqual(error.details["consumers"], ["billing", "reporting"]);
        assert.match(error.message, /sold of shop for billing \(n: /);
        await context.restart();
        const announced = ["shop", "billing", "reporting"];
        assert.deepEqual(await starting([seller, billing]), announced, "nothing new was to tell");
        await context.restart();
        assert.deepEqual(await starting([shop("string", 2)[0]]), [...announced, "shop"]);
      },
    },
    {
      // proves: contracts
      title: "a change that breaks readers is refused with their names, and a new version is not",
      run: (context) => {
        const older = lockOf(shop("number"));
        const report = checkContract(older, lockOf(shop("string")));
        assert.equal(report.verdict, "breaks");
        const [change] = report.changes;
        assert.deepEqual(
          [change?.subject, change?.consumers],
          ["event sold", ["billing", "reporting"]],
        );
        assert.throws(() => refuseBrokenContract(shop("string"), older), {
          code: "CONTRACT_BROKEN",
          message: /event sold \(breaks\): not safe for billing, reporting; keep the old form/,
          details: { consumers: ["billing", "reporting"] },
        });
        for (const sound of [shop("number"), shop("string", 2)]) {
          assert.equal(refuseBrokenContract(sound, older).verdict, "compatible");
        }
        context.note("one change refused, two taken");
        return Promise.resolve();
      },
    },
  ],
};
