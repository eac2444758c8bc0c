/**
 * A member of a Kafka group that reads committed records: joins, is given partitions (or gives them, as
 * the leader), goes on from the group's positions, polls, commits what it has polled, and leaves now and
 * then. A killed server forgets its members, so each joins anew.
 */

import { setTimeout as pause } from "node:timers/promises";
import {
  consumerProtocolAssignment,
  consumerProtocolSubscription,
} from "../../../../src/embedded/kafka/codec/generated/consumer-protocol.ts";
import type { Responses } from "../../../../src/embedded/kafka/codec/generated/apis.ts";
import { encodeMessage, readMessage } from "../../../../src/embedded/kafka/codec/message-codec.ts";
import { WireReader } from "../../../../src/embedded/kafka/codec/wire-reader.ts";
import { ERROR } from "../../../../src/embedded/kafka/error-codes.ts";
import type { Random } from "../../../../src/model/ids.ts";
import { type Client, HungUp } from "../../../hostile/client.ts";
import type { History } from "../history.ts";
import type { ServerLink } from "./server-link.ts";
import { ensureTopic, fetchFrom, PARTITIONS } from "../topic.ts";

const LEAVES = 0.02;
const AWAY_MS = 30;
const FETCH_WAIT_MS = 5;
/** So small that a position is committed often. */
const FETCH_BYTES = 4096;
const SESSION_MS = 10_000;
/** How much too early the control is, so that few kills suffice to find it out. */
const EARLY_MS = 10;
const PROTOCOL_TYPE = "consumer";
const PROTOCOL = "range";
/** The last versions that name topics by their names. */
const BY_NAME = 9;

export interface MemberOptions {
  readonly name: string;
  readonly group: string;
  readonly topic: string;
  readonly link: ServerLink;
  readonly history: History;
  readonly random: Random;
  /** Told of each new assignment. */
  readonly onAssigned: () => void;
  /** Does wrong: the position is committed before what lies below it has been seen. */
  readonly commitFirst?: boolean;
  /** Does wrong: a position counts as acknowledged when it is asked for, and nobody asks the server. */
  readonly forgetsCommits?: boolean;
}

interface Membership {
  readonly memberId: string;
  readonly generationId: number;
}

/** The group has a new generation, or does not know the member any more. */
class Displaced extends Error {
  override readonly name = "Displaced";
}

export class GroupMember {
  readonly #options: MemberOptions;
  #memberId = "";
  /** A commit is under way. */
  inFlight = 0;

  constructor(options: MemberOptions) {
    this.#options = options;
  }

  /** Rejects with RunOver at the end, and with what a member should never be told. */
  async run(): Promise<never> {
    const { link, topic } = this.#options;
    for (;;) {
      const client = await link.connect();
      try {
        await ensureTopic(client, topic);
        for (;;) await this.#takePart(client);
      } catch (error) {
        if (!(error instanceof HungUp)) throw error;
      } finally {
        client.socket.destroy();
      }
    }
  }

  async #takePart(client: Client): Promise<void> {
    try {
      const joined = await this.#join(client);
      const { memberId, generationId } = joined;
      const membership = { memberId, generationId };
      const partitions = await this.#sync(client, joined);
      const positions = await this.#seek(client, partitions);
      this.#options.onAssigned();
      while (this.#options.random.next() >= LEAVES) {
        for (const partition of partitions) {
          await this.#poll(client, membership, { partition, positions });
        }
        if (partitions.length === 0) await pause(FETCH_WAIT_MS);
        const { group: groupId } = this.#options;
        const { errorCode } = await client.ask("Heartbeat", { groupId, ...membership });
        this.#check(errorCode, "a heartbeat");
      }
      await this.#leave(client);
    } catch (error) {
      if (!(error instanceof Displaced)) throw error;
    }
  }

  async #join(client: Client): Promise<Responses["JoinGroup"]> {
    const { group, topic } = this.#options;
    const metadata = versioned(encodeMessage(consumerProtocolSubscription, 0, { topics: [topic] }));
    for (;;) {
      const answer = await client.ask("JoinGroup", {
        groupId: group,
        sessionTimeoutMs: SESSION_MS,
        rebalanceTimeoutMs: SESSION_MS,
        memberId: this.#memberId,
        protocolType: PROTOCOL_TYPE,
        protocols: [{ name: PROTOCOL, metadata }],
      });
      if (answer.errorCode === ERROR.MEMBER_ID_REQUIRED) {
        this.#memberId = answer.memberId;
        continue;
      }
      this.#check(answer.errorCode, "a join");
      this.#memberId = answer.memberId;
      return answer;
    }
  }

  /** The leader gives every partition to somebody. */
  async #sync(client: Client, joined: Responses["JoinGroup"]): Promise<readonly number[]> {
    const { group, topic } = this.#options;
    const { generationId, memberId, members, leader, skipAssignment } = joined;
    const leads = leader === memberId && !skipAssignment;
    const assignments = members.map((member, index) => {
      const partitions = partitionsOf(index, members.length);
      const assignedPartitions = [{ topic, partitions }];
      const assignment = encodeMessage(consumerProtocolAssignment, 0, { assignedPartitions });
      return { memberId: member.memberId, assignment: versioned(assignment) };
    });
    const answer = await client.ask("SyncGroup", {
      groupId: group,
      generationId,
      memberId,
      protocolType: PROTOCOL_TYPE,
      protocolName: PROTOCOL,
      assignments: leads ? assignments : [],
    });
    this.#check(answer.errorCode, "a sync");
    if (answer.assignment.length === 0) return [];
    const wire = new WireReader(answer.assignment.subarray(VERSION_BYTES));
    const { assignedPartitions } = readMessage(consumerProtocolAssignment, 0, wire);
    return assignedPartitions.flatMap(({ partitions }) => partitions);
  }

  async #seek(client: Client, partitions: readonly number[]): Promise<Map<number, number>> {
    const { name: reader, group, topic, history } = this.#options;
    const positions = new Map<number, number>();
    if (partitions.length === 0) return positions;
    const topics = [{ name: topic, partitionIndexes: partitions }];
    const asked = { groups: [{ groupId: group, topics }], requireStable: true };
    const { groups } = await client.ask("OffsetFetch", asked, BY_NAME);
    this.#check(groups[0]!.errorCode, "its positions");
    for (const { partitionIndex, committedOffset, errorCode } of groups[0]!.topics[0]!.partitions) {
      this.#check(errorCode, "a position");
      const offset = Math.max(0, committedOffset);
      positions.set(partitionIndex, offset);
      history.take({ type: "seek", group, reader, partition: partitionIndex, offset });
    }
    return positions;
  }

  async #poll(
    client: Client,
    membership: Membership,
    { partition, positions }: { partition: number; positions: Map<number, number> },
  ): Promise<void> {
    const { name: reader, group, topic, history } = this.#options;
    const from = positions.get(partition)!;
    const limits = { maxWaitMs: FETCH_WAIT_MS, bytesMax: FETCH_BYTES };
    const { records, next } = await fetchFrom(client, { topic, partition, offset: from }, limits);
    if (next === from) return;
    const seen = (): void => {
      history.take({ type: "poll", reader, partition, from, next, records });
      positions.set(partition, next);
    };
    const { commitFirst = false, forgetsCommits = false } = this.#options;
    if (!commitFirst) seen();
    history.take({ type: "committing", group, partition, offset: next });
    if (!forgetsCommits) await this.#commit(client, membership, { partition, offset: next });
    history.take({ type: "position acknowledged", group, partition, offset: next });
    if (commitFirst) {
      await pause(EARLY_MS);
      if (!client.socket.destroyed) seen();
    }
  }

  async #commit(
    client: Client,
    membership: Membership,
    { partition, offset }: { readonly partition: number; readonly offset: number },
  ): Promise<void> {
    const { name: committedMetadata, group, topic } = this.#options;
    const at = { partitionIndex: partition, committedOffset: offset, committedMetadata };
    const { memberId, generationId: generationIdOrMemberEpoch } = membership;
    const topics = [{ name: topic, partitions: [at] }];
    const body = { groupId: group, memberId, generationIdOrMemberEpoch, topics };
    this.inFlight = 1;
    const answer = await client.ask("OffsetCommit", body, BY_NAME);
    this.inFlight = 0;
    this.#check(answer.topics[0]!.partitions[0]!.errorCode, "a commit");
  }

  async #leave(client: Client): Promise<void> {
    const { group: groupId } = this.#options;
    const members = [{ memberId: this.#memberId }];
    const { errorCode } = await client.ask("LeaveGroup", { groupId, members });
    this.#memberId = "";
    this.#check(errorCode, "its leave");
    await pause(AWAY_MS);
  }

  #check(errorCode: number, what: string): void {
    if (errorCode === ERROR.NONE) return;
    if (errorCode === ERROR.UNKNOWN_MEMBER_ID) this.#memberId = "";
    if (!DISPLACED.has(errorCode)) {
      throw new Error(`${this.#options.name} was refused ${what} with ${errorCode}`);
    }
    throw new Displaced();
  }
}

const DISPLACED: ReadonlySet<number> = new Set([
  ERROR.UNKNOWN_MEMBER_ID,
  ERROR.ILLEGAL_GENERATION,
  ERROR.REBALANCE_IN_PROGRESS,
]);

/** The protocol of consumers, which the group does not read, begins with its version. */
const VERSION_BYTES = 2;

function versioned(message: Buffer): Buffer {
  return Buffer.concat([Buffer.alloc(VERSION_BYTES), message]);
}

function partitionsOf(index: number, members: number): number[] {
  const all = Array.from({ length: PARTITIONS }, (_, partition) => partition);
  return all.filter((partition) => partition % members === index);
}
