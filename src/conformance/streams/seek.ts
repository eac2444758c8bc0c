/** Looking at groups and moving them. */

import assert from "node:assert/strict";
import { valuesOf } from "../../model/outcome.ts";
import type { StartAt } from "../../model/position.ts";
import type { BrokerContext, BrokerTopic } from "../broker-case.ts";
import { eventually, refusal } from "../broker-case.ts";
import { compareLists } from "../case.ts";
import { messages, readAll, textOf } from "../messages.ts";
import { joinTestMember, revocation } from "./group-member.ts";

interface Setting {
  readonly stream: string;
  readonly group: string;
  readonly offsets: readonly number[];
}

/** One partition with 50 records, and a group that has read and committed them all and left. */
async function readGroup(context: BrokerContext): Promise<Setting> {
  const stream = context.name("orders");
  const group = context.name("billing");
  await context.streams().ensureStream({ name: stream, partitions: 1 });
  const offsets: number[] = [];
  for (let round = 0; round < 5; round++) {
    const answers = valuesOf(await context.streams().append(stream, messages(10)));
    offsets.push(...answers.map(({ offset }) => offset));
    await context.time.pass(100);
  }
  const one = await joinTestMember(context, { group, streams: [stream] });
  await eventually(context, "50 records seen", () => one.seen.length >= 50);
  await one.member.close();
  return { stream, group, offsets };
}

export const seeking: BrokerTopic = {
  topic: "groups: lag and seek",
  cases: [
    {
      title: "a group's description shows what was committed, the end, the lag and the member",
      run: async (context) => {
        const { stream, group } = await readGroup(context);
        await context.streams().append(stream, messages(7));
        const idle = (await context.streams().describeGroup(group)).positions[0]!;
        const { end } = (await context.streams().describeStream(stream)).partitions[0]!;
        assert.deepEqual([idle.end, idle.lag, idle.member], [end, 7, undefined]);
        assert.equal(idle.committed, end - 7);
        const joined = { group, streams: [stream], member: "desk-7", run: revocation };
        const { member, owned } = await joinTestMember(context, joined);
        await eventually(context, "the partition is owned", () => owned.length === 1);
        const busy = (await context.streams().describeGroup(group)).positions[0]!;
        assert.deepEqual([busy.member, busy.lag], ["desk-7", 7]);
        await member.close();
        const listed = (await context.streams().listGroups()).filter(
          (info) => info.group === group,
        );
        compareLists(
          context.note,
          "groups listed",
          listed.map(({ positions }) => positions.length),
          [1],
        );
      },
    },
    {
      title: "a group without a member moves to an offset, a moment, the start and the end",
      needs: ["replay", "timeLookup"],
      run: async (context) => {
        const { stream, group, offsets } = await readGroup(context);
        const records = await readAll(context.streams(), stream);
        const { earliest, end } = (await context.streams().describeStream(stream)).partitions[0]!;
        const timeMs = records[30]!.appendedMs;
        const moves: readonly (readonly [StartAt, number])[] = [
          [{ offset: offsets[20]! }, offsets[20]!],
          ["latest", end],
          ["earliest", earliest],
          [{ timeMs }, records.find(({ appendedMs }) => appendedMs >= timeMs)!.offset],
          [{ offset: end }, end],
        ];
        const answered: number[] = [];
        const committed: unknown[] = [];
        for (const [to] of moves) {
          answered.push(await context.streams().seekGroup(group, stream, 0, to));
          committed.push((await context.streams().describeGroup(group)).positions[0]!.committed);
        }
        const expected = moves.map(([, offset]) => offset);
        compareLists(context.note, "answers", answered, expected);
        compareLists(context.note, "commits", committed, expected);
      },
    },
    {
      title: "after a move back the next member reads exactly from there",
      needs: ["replay"],
      run: async (context) => {
        const { stream, group, offsets } = await readGroup(context);
        await context.streams().seekGroup(group, stream, 0, { offset: offsets[35]! });
        const two = await joinTestMember(context, { group, streams: [stream], member: "two" });
        await eventually(context, "15 records seen", () => two.seen.length >= 15);
        await two.member.close();
        const expected = await readAll(context.streams(), stream, { from: offsets[35]! });
        compareLists(context.note, "texts", two.seen, expected.map(textOf));
      },
    },
    {
      title: "a group is not moved while a member owns the partition",
      run: async (context) => {
        const { stream, group } = await readGroup(context);
        const joined = { group, streams: [stream], run: revocation };
        const { member, owned } = await joinTestMember(context, joined);
        await eventually(context, "the partition is owned", () => owned.length === 1);
        const before = (await context.streams().describeGroup(group)).positions[0]!.committed;
        await refusal(() => context.streams().seekGroup(group, stream, 0, "earliest"), "FENCED");
        const after = (await context.streams().describeGroup(group)).positions[0]!.committed;
        assert.equal(after, before);
        await member.close();
        await context.streams().seekGroup(group, stream, 0, "earliest");
      },
    },
    {
      title: "a move outside what is kept, and of a group nobody knows, is refused",
      run: async (context) => {
        const { stream, group, offsets } = await readGroup(context);
        const beyond = { offset: offsets.at(-1)! + 2 };
        const streams = context.streams();
        await refusal(() => streams.seekGroup(group, stream, 0, beyond), "OFFSET_OUT_OF_RANGE");
        const stranger = context.name("strangers");
        await refusal(() => streams.seekGroup(stranger, stream, 0, "earliest"), "UNKNOWN_GROUP");
        await refusal(() => streams.describeGroup(stranger), "UNKNOWN_GROUP");
      },
    },
  ],
};
