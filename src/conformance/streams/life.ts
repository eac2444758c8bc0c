/** The life of streams and of the broker that keeps them. */

import assert from "node:assert/strict";
import type { StreamRecord } from "../../broker/streams.ts";
import { valuesOf } from "../../model/outcome.ts";
import type { BrokerContext, BrokerTopic, Fault } from "../broker-case.ts";
import { eventually, refusal } from "../broker-case.ts";
import { compareLists } from "../case.ts";
import { messages, plain, readStream, textOf } from "../messages.ts";
import { peculiarMessages } from "../peculiar.ts";
import { joinTestMember, revocation } from "./group-member.ts";

const facts = (record: StreamRecord): object => ({
  ...plain(record),
  at: [record.partition, record.offset, record.appendedMs],
});

/** Acknowledged records and committed positions are the same after the fault, and work goes on. */
const keeps = (fault: Fault) => async (context: BrokerContext) => {
  const stream = context.name("orders");
  const group = context.name("billing");
  const spec = { name: stream, partitions: 3, retention: { ageMs: 3_600_000 } };
  const created = await context.streams().ensureStream(spec);
  valuesOf(await context.streams().append(stream, messages(200, { keys: 23 })));
  valuesOf(await context.streams().append(stream, peculiarMessages()));
  const one = await joinTestMember(context, { group, streams: [stream] });
  await eventually(context, "210 records seen", () => one.seen.length >= 210);
  await one.member.close();
  const before = (await readStream(context.streams(), stream)).map(facts);
  const committed = (await context.streams().describeGroup(group)).positions;

  await context.suffer(fault);

  const found = await context.streams().describeStream(stream);
  assert.deepEqual(
    [found.spec.partitions, found.spec.retention, found.cluster, found.incarnation],
    [3, spec.retention, created.cluster, created.incarnation],
  );
  const after = (await readStream(context.streams(), stream)).map(facts);
  compareLists(context.note, "records", after, before);
  compareLists(
    context.note,
    "commits",
    (await context.streams().describeGroup(group)).positions.map((position) => position.committed),
    committed.map((position) => position.committed),
  );
  valuesOf(await context.streams().append(stream, messages(30, { stem: "later", keys: 23 })));
  const two = await joinTestMember(context, { group, streams: [stream], member: "two" });
  await eventually(context, "30 records seen", () => two.seen.length >= 30);
  await two.member.close();
  const expected = messages(30, { stem: "later" }).map(textOf);
  compareLists(context.note, "what came after", two.seen.toSorted(), expected.toSorted());
  for (const { partition } of two.owned) {
    const former = one.owned.filter((owned) => owned.partition.partition === partition.partition);
    assert.ok(former.length > 0, "nobody owned the partition before the fault");
    assert.ok(
      former.every((owned) => owned.partition.epoch < partition.epoch),
      "the epoch grows",
    );
  }
};

export const life: BrokerTopic = {
  topic: "life of streams",
  cases: [
    {
      title: "ensuring a stream twice finds it, and brings its settings to what is asked",
      run: async ({ streams, name }) => {
        const spec = { name: name("orders"), partitions: 2 };
        const first = await streams().ensureStream(spec);
        await streams().append(spec.name, messages(10));
        const second = await streams().ensureStream({ ...spec, retention: { ageMs: 86_400_000 } });
        assert.equal(second.incarnation, first.incarnation);
        assert.deepEqual(second.spec.retention, { ageMs: 86_400_000 });
        assert.equal((await readStream(streams(), spec.name)).length, 10);
      },
    },
    {
      title: "another number of partitions is refused",
      run: async ({ streams, name }) => {
        const spec = { name: name("orders"), partitions: 2 };
        await streams().ensureStream(spec);
        for (const partitions of [1, 3]) {
          await refusal(() => streams().ensureStream({ ...spec, partitions }), "STREAM_MISMATCH");
        }
        assert.equal((await streams().describeStream(spec.name)).partitions.length, 2);
      },
    },
    {
      title: "two that ensure one stream at once get one stream",
      run: async ({ streams, name }) => {
        const spec = { name: name("orders"), partitions: 2 };
        const [one, two] = await Promise.all([
          streams().ensureStream(spec),
          streams().ensureStream(spec),
        ]);
        assert.equal(one.incarnation, two.incarnation);
      },
    },
    {
      title: "a stream is listed while it exists",
      run: async ({ streams, name, note }) => {
        const names = ["a", "b", "c"].map(name);
        for (const stream of names) await streams().ensureStream({ name: stream, partitions: 1 });
        const listed = async (): Promise<string[]> =>
          (await streams().listStreams())
            .map(({ spec }) => spec.name)
            .filter((n) => names.includes(n));
        compareLists(note, "streams", (await listed()).toSorted(), names.toSorted());
        await streams().deleteStream(names[1]!);
        compareLists(
          note,
          "streams",
          (await listed()).toSorted(),
          [names[0]!, names[2]!].toSorted(),
        );
      },
    },
    {
      title: "a deleted stream is unknown; one made anew is another and holds nothing",
      run: async (context) => {
        const { streams, name } = context;
        const spec = { name: name("orders"), partitions: 1 };
        const group = name("billing");
        const first = await streams().ensureStream(spec);
        await streams().append(spec.name, messages(10));
        const one = await joinTestMember(context, { group, streams: [spec.name] });
        await eventually(context, "10 records seen", () => one.seen.length >= 10);
        await one.member.close();
        await streams().deleteStream(spec.name);
        await refusal(() => streams().describeStream(spec.name), "UNKNOWN_STREAM");
        await refusal(() => streams().append(spec.name, messages(1)), "UNKNOWN_STREAM");
        await refusal(() => streams().deleteStream(spec.name), "UNKNOWN_STREAM");
        const second = await streams().ensureStream(spec);
        assert.notEqual(second.incarnation, first.incarnation);
        assert.deepEqual(await readStream(streams(), spec.name), []);
        const two = await joinTestMember(context, { group, streams: [spec.name], run: revocation });
        await eventually(context, "the partition is owned", () => two.owned.length === 1);
        assert.equal(two.owned[0]!.partition.committed, undefined, "a commit of another stream");
        await two.member.close();
      },
    },
    {
      title: "a closed broker refuses every call, ends its reads and members, and closes again",
      run: async (context) => {
        const { streams, name, broker } = context;
        const stream = name("orders");
        await streams().ensureStream({ name: stream, partitions: 1 });
        await streams().append(stream, messages(1));
        const options = { partition: 0, from: "latest", follow: true } as const;
        const waiting = streams().read(stream, options)[Symbol.asyncIterator]().next();
        waiting.catch(() => {});
        const one = await joinTestMember(context, { group: name("billing"), streams: [stream] });
        await eventually(context, "1 record seen", () => one.seen.length === 1);
        const closed = streams();
        await Promise.all([broker().close(), broker().close()]);
        await Promise.allSettled([waiting, one.member.ended]);
        assert.ok(one.owned.every(({ ended }) => ended));
        await refusal(() => closed.append(stream, messages(1)), "CLOSED");
        await refusal(() => closed.describeStream(stream), "CLOSED");
        await refusal(() => closed.listStreams(), "CLOSED");
        await refusal(() => closed.ensureStream({ name: stream, partitions: 1 }), "CLOSED");
        await broker().close();
      },
    },
    {
      title: "appends under way when the broker closes either fail or are kept",
      needs: ["restart"],
      run: async (context) => {
        const { streams, name, broker, note } = context;
        const stream = name("orders");
        await streams().ensureStream({ name: stream, partitions: 1 });
        const calls = Array.from({ length: 50 }, (_, call) =>
          streams().append(stream, messages(4, { stem: `call-${call}` })),
        );
        await broker().close();
        const settled = await Promise.allSettled(calls);
        const acknowledged = settled.flatMap((result, call) =>
          result.status === "fulfilled"
            ? result.value.flatMap((outcome, at) => (outcome.ok ? [`call-${call}-${at}`] : []))
            : [],
        );
        await context.suffer("restart");
        const found = new Set((await readStream(streams(), stream)).map(textOf));
        const lost = acknowledged.filter((text) => !found.has(text));
        note(`${acknowledged.length} of 200 acknowledged, ${lost.length} lost`);
        assert.deepEqual(lost, []);
      },
    },
    {
      title: "a restart keeps streams, records, positions and epochs",
      needs: ["restart"],
      run: keeps("restart"),
    },
    {
      title: "a kill keeps what was acknowledged",
      needs: ["kill", "durableAppend"],
      run: keeps("kill"),
    },
  ],
};
