/** A group as tools see it, whoever its members are. */

import type { Group } from "../../../broker/in-process/stream/group.ts";
import { CONSUMER, subscribedTopics } from "./assigned-partitions.ts";
import type { GroupMachine } from "./group-machine.ts";
import { NO_BYTES } from "./member.ts";
import type { GroupPhase } from "./rebalance.ts";

/** In Kafka's words. A group that is not there is `Dead`. */
export type GroupState = "Empty" | "PreparingRebalance" | "CompletingRebalance" | "Stable";

/** The protocol type of groups whose members are services of this process. */
const IN_PROCESS = "millrace";

export interface GroupView {
  readonly state: GroupState;
  /** Empty for a group that never had members. */
  readonly protocolType: string;
  /** Empty unless the group is stable. */
  readonly protocolName: string;
  readonly members: readonly MemberView[];
  /** Whether a member reads the topic, as far as can be told; in doubt it does. */
  subscribes(topic: string): boolean;
}

export interface MemberView {
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly metadata: Buffer;
  readonly assignment: Buffer;
}

const STATES: Readonly<Record<GroupPhase, GroupState>> = {
  empty: "Empty",
  joining: "PreparingRebalance",
  syncing: "CompletingRebalance",
  stable: "Stable",
};

/** Of a group that has committed and has had no members since this process began. */
export const OFFSETS_ALONE: GroupView = {
  state: "Empty",
  protocolType: "",
  protocolName: "",
  members: [],
  subscribes: () => false,
};

export function viewOfKafka(machine: GroupMachine): GroupView {
  const { phase, protocolType, protocolName } = machine;
  const members = [...machine.members.values()];
  const metadataOf = (member: (typeof members)[number]): Buffer =>
    member.profile.protocols.find(({ name }) => name === protocolName)?.metadata ?? NO_BYTES;
  const stable = phase === "stable";
  return {
    state: STATES[phase],
    protocolType: protocolType ?? "",
    protocolName: stable ? (protocolName ?? "") : "",
    members: members.map((member) => ({
      memberId: member.id,
      instanceId: member.profile.instanceId,
      clientId: member.profile.clientId,
      clientHost: `/${member.profile.clientHost}`,
      metadata: stable ? metadataOf(member) : NO_BYTES,
      assignment: member.assignment,
    })),
    subscribes: (topic) =>
      protocolType === CONSUMER &&
      members.some((member) => subscribedTopics(metadataOf(member))?.includes(topic) ?? true),
  };
}

/** The client's library would have to understand our members, so it is told their names alone. */
export function viewOfInProcess(group: Group): GroupView {
  return {
    state: "Stable",
    protocolType: IN_PROCESS,
    protocolName: "",
    members: group.memberNames.map((name) => ({
      memberId: name,
      instanceId: null,
      clientId: name,
      clientHost: "",
      metadata: NO_BYTES,
      assignment: NO_BYTES,
    })),
    subscribes: () => true,
  };
}
