/** Groups: who owns which partition, when, and from where the next owner goes on. */

import assert from "node:assert/strict";
import type { AssignedPartition } from "../../broker/streams.ts";
import { valuesOf } from "../../model/outcome.ts";
import type { BrokerContext, BrokerTopic } from "../broker-case.ts";
import { eventually, refusal } from "../broker-case.ts";
import { compareLists } from "../case.ts";
import { messages, readStream, textOf } from "../messages.ts";
import { ignoreFenced, joinTestMember, revocation, type TestMember } from "./group-member.ts";

async function filledStream(
  { streams, name }: BrokerContext,
  { partitions = 4, count = 200, stem = "orders" } = {},
): Promise<string> {
  const stream = name(stem);
  await streams().ensureStream({ name: stream, partitions });
  valuesOf(await streams().append(stream, messages(count, { stem, keys: 31 })));
  return stream;
}

const sorted = (texts: readonly string[]): string[] => texts.toSorted();

const partitionsOf = ({ owned }: TestMember): number[] =>
  owned.filter(({ ended }) => !ended).map(({ partition }) => partition.partition);

// proves: per-key-order
/** Members join one after another while records come, so partitions move from one to the next. */
function orderWithMembers(count: number): BrokerTopic["cases"][number] {
  return {
    title: `while ${count} members join and leave, each key is read in order and nothing is lost`,
    run: async (context) => {
      const keys = 40;
      const total = 800;
      const stream = context.name("orders");
      const group = context.name("billing");
      await context.streams().ensureStream({ name: stream, partitions: 16 });
      const sent = messages(total, { keys });
      const last = new Map<unknown, number>();
      const seen = new Set<string>();
      const run = async (partition: AssignedPartition): Promise<void> => {
        const { committed } = partition;
        const from = committed === undefined ? "earliest" : { offset: committed };
        for await (const batch of partition.read(from, { batchCount: 5 })) {
          for (const record of batch) {
            const text = textOf(record);
            // What was taken and not committed before the partition moved comes again.
            if (seen.has(text)) continue;
            seen.add(text);
            assert.ok(record.offset > (last.get(record.key) ?? -1), `${text} comes too late`);
            last.set(record.key, record.offset);
          }
          await partition.commit(batch.at(-1)!.offset + 1).catch(ignoreFenced);
        }
      };
      const members: TestMember[] = [];
      const share = total / count;
      for (let member = 0; member < count; member++) {
        const options = { group, streams: [stream], member: `m-${member}`, run };
        members.push(await joinTestMember(context, options));
        const part = sent.slice(member * share, (member + 1) * share);
        valuesOf(await context.streams().append(stream, part));
      }
      for (const { member } of members.slice(1)) await member.close();
      await eventually(context, "every record seen", () => seen.size >= total);
      await members[0]!.member.close();
      for (const { member } of members) await member.ended;
      assert.equal(last.size, keys);
      compareLists(context.note, "texts", sorted([...seen]), sorted(sent.map(textOf)));
    },
  };
}

export const groups: BrokerTopic = {
  topic: "groups",
  cases: [
    ...[1, 4, 16].map(orderWithMembers),
    {
      title: "a lone member owns every partition and sees every record once, each key in order",
      run: async (context) => {
        const stream = await filledStream(context);
        const group = context.name("billing");
        const one = await joinTestMember(context, { group, streams: [stream] });
        await eventually(context, "200 records seen", () => one.seen.length >= 200);
        await context.streams().append(stream, messages(50, { stem: "later", keys: 31 }));
        await eventually(context, "250 records seen", () => one.seen.length >= 250);
        await one.member.close();
        assert.deepEqual(
          one.owned.map(({ partition }) => partition.partition).toSorted((a, b) => a - b),
          [0, 1, 2, 3],
        );
        const expected = await readStream(context.streams(), stream);
        const byPartition = one.records.toSorted(
          (a, b) => a.partition - b.partition || a.offset - b.offset,
        );
        compareLists(context.note, "records", byPartition.map(textOf), expected.map(textOf));
        for (let partition = 0; partition < 4; partition++) {
          const offsets = one.records.filter((r) => r.partition === partition).map((r) => r.offset);
          assert.deepEqual(
            offsets,
            offsets.toSorted((a, b) => a - b),
          );
        }
      },
    },
    {
      title: "members share the partitions and no partition has two owners at a time",
      run: async (context) => {
        const stream = await filledStream(context, { partitions: 6 });
        const group = context.name("billing");
        const owners = new Map<number, string>();
        const members: TestMember[] = [];
        for (const member of ["one", "two", "three"]) {
          const run: Parameters<typeof joinTestMember>[1]["run"] = async (partition) => {
            assert.equal(owners.get(partition.partition), undefined, "a second owner at a time");
            owners.set(partition.partition, member);
            await revocation(partition);
            owners.delete(partition.partition);
          };
          members.push(await joinTestMember(context, { group, streams: [stream], member, run }));
        }
        const shares = (): number[] => members.map((member) => partitionsOf(member).length);
        await eventually(
          context,
          "three members own two partitions each",
          () => owners.size === 6 && shares().every((share) => share === 2),
        );
        await members[0]!.member.close();
        await eventually(context, "the other two own all six", () => owners.size === 6);
        for (const { member } of members) await member.close();
        for (const { member } of members) await member.ended;
        assert.equal(owners.size, 0);
      },
    },
    {
      // proves: durable-subscription
      title: "the next owner resumes at what was committed, and repeats nothing before it",
      run: async (context) => {
        const stream = await filledStream(context);
        const group = context.name("billing");
        const one = await joinTestMember(context, { group, streams: [stream] });
        assert.ok(one.owned.every(({ partition }) => partition.committed === undefined));
        await eventually(context, "200 records seen", () => one.seen.length >= 200);
        await one.member.close();
        await context.streams().append(stream, messages(60, { stem: "later", keys: 31 }));
        await context.time.pass(3_600_000);
        const two = await joinTestMember(context, { group, streams: [stream], member: "two" });
        await eventually(context, "60 records seen", () => two.seen.length >= 60);
        await two.member.close();
        const expected = messages(60, { stem: "later" }).map(textOf);
        compareLists(context.note, "texts", sorted(two.seen), sorted(expected));
      },
    },
    {
      title: "what was not committed comes again",
      run: async (context) => {
        const stream = await filledStream(context, { count: 80 });
        const options = { group: context.name("billing"), streams: [stream], commit: false };
        for (const member of ["one", "two"]) {
          const joined = await joinTestMember(context, { ...options, member });
          await eventually(context, "80 records seen", () => joined.seen.length >= 80);
          await joined.member.close();
          const expected = messages(80, { stem: "orders" }).map(textOf);
          compareLists(context.note, member, sorted(joined.seen), sorted(expected));
        }
      },
    },
    {
      title: "a revoked owner is waited for before the next one starts",
      run: async (context) => {
        const stream = await filledStream(context, { partitions: 1, count: 1 });
        const options = { group: context.name("billing"), streams: [stream] };
        const gate = Promise.withResolvers<void>();
        const one = await joinTestMember(context, { ...options, beforeReturn: gate.promise });
        await eventually(context, "the first owns the partition", () => one.owned.length === 1);
        const two = await joinTestMember(context, { ...options, member: "two" });
        const closing = one.member.close();
        await revocation(one.owned[0]!.partition);
        await context.time.pass(1000);
        assert.equal(two.owned.length, 0, "the second started while the first still ran");
        gate.resolve();
        await closing;
        await eventually(context, "the second owns the partition", () => two.owned.length === 1);
        await two.member.close();
      },
    },
    {
      title: "the epoch grows with every assignment and a former owner is fenced",
      run: async (context) => {
        const stream = await filledStream(context, { partitions: 1, count: 10 });
        const options = { group: context.name("billing"), streams: [stream], run: revocation };
        const epochs: number[] = [];
        let former: TestMember | undefined;
        for (const member of ["one", "two", "three"]) {
          const joined = await joinTestMember(context, { ...options, member });
          await eventually(context, `${member} owns it`, () => joined.owned.length === 1);
          const { partition } = joined.owned[0]!;
          epochs.push(partition.epoch);
          await partition.commit(epochs.length);
          const stale = former?.owned[0]!.partition;
          if (stale) await refusal(() => stale.commit(9), "FENCED");
          await joined.member.close();
          await refusal(() => partition.commit(9), "FENCED");
          former = joined;
        }
        assert.ok(epochs[0]! < epochs[1]! && epochs[1]! < epochs[2]!, `epochs ${epochs.join()}`);
        const { positions } = await context.streams().describeGroup(options.group);
        compareLists(
          context.note,
          "commits that counted",
          positions.map(({ committed }) => committed),
          [3],
        );
      },
    },
    {
      // proves: event-stream, independent-consumers
      title: "groups do not disturb each other",
      run: async (context) => {
        const stream = await filledStream(context, { count: 120 });
        const names = [context.name("billing"), context.name("shipping")];
        const members = await Promise.all(
          names.map((group) => joinTestMember(context, { group, streams: [stream] })),
        );
        const expected = sorted(messages(120, { stem: "orders" }).map(textOf));
        for (const [index, { seen }] of members.entries()) {
          await eventually(context, "120 records seen", () => seen.length >= 120);
          compareLists(context.note, names[index]!, sorted(seen), expected);
        }
        await members[0]!.member.close();
        await context.streams().append(stream, messages(10, { stem: "later" }));
        await eventually(context, "130 records seen", () => members[1]!.seen.length >= 130);
        assert.equal(members[0]!.seen.length, 120);
        await members[1]!.member.close();
      },
    },
    {
      title: "one group may read several streams",
      run: async (context) => {
        const streams = [
          await filledStream(context, { partitions: 2, count: 40, stem: "orders" }),
          await filledStream(context, { partitions: 3, count: 40, stem: "payments" }),
        ];
        const one = await joinTestMember(context, { group: context.name("billing"), streams });
        await eventually(context, "80 records seen", () => one.seen.length >= 80);
        await one.member.close();
        const owned = one.owned.map(
          ({ partition: { stream, partition } }) => `${stream}/${partition}`,
        );
        const expected = [0, 1]
          .map((partition) => `${streams[0]}/${partition}`)
          .concat([0, 1, 2].map((partition) => `${streams[1]}/${partition}`));
        compareLists(context.note, "partitions", sorted(owned), sorted(expected));
      },
    },
    {
      title: "a run that fails makes its member leave, and another takes over",
      run: async (context) => {
        const stream = await filledStream(context, { partitions: 2, count: 20 });
        const options = { group: context.name("billing"), streams: [stream] };
        const broken = await joinTestMember(context, {
          ...options,
          run: () => Promise.reject(new Error("the handler is broken")),
        });
        await assert.rejects(broken.member.ended, /the handler is broken/);
        const two = await joinTestMember(context, { ...options, member: "two" });
        await eventually(context, "20 records seen", () => two.seen.length >= 20);
        await two.member.close();
        await broken.member.close();
      },
    },
    {
      title: "a member closes twice without harm, its reads end and `ended` resolves",
      run: async (context) => {
        const stream = await filledStream(context, { count: 5 });
        const group = context.name("billing");
        const one = await joinTestMember(context, { group, streams: [stream] });
        await eventually(context, "5 records seen", () => one.seen.length >= 5);
        await Promise.all([one.member.close(), one.member.close()]);
        await one.member.close();
        await one.member.ended;
        assert.ok(one.owned.length === 4 && one.owned.every(({ ended }) => ended));
        assert.ok(one.owned.every(({ partition }) => partition.revoked.aborted));
      },
    },
    {
      title: "joining an unknown stream is refused",
      run: async (context) => {
        const options = { group: context.name("billing"), streams: [context.name("nowhere")] };
        await refusal(() => joinTestMember(context, options), "UNKNOWN_STREAM");
      },
    },
  ],
};
