/**
 * Who is in a group and who leads it, and whether a request comes from whom it says.
 *
 * A *promised* id was given to a client that has not joined with it yet (KIP-394). A *static* member is
 * known by its instance id, too: whoever joins with that and without a member id takes the place of the
 * member that had it, under a new id, and the old id is fenced from then on (KIP-345).
 */

import { assert } from "../../../model/assert.ts";
import { ERROR } from "../error-codes.ts";
import type { JoinRequest, MemberName } from "./group-messages.ts";
import type { Member } from "./member.ts";

export class Roster {
  /** In the order in which they joined. */
  readonly members: Map<string, Member> = new Map();
  /** Ids that were given and not yet used, with the time at which they end. */
  readonly promised: Map<string, number> = new Map();
  /** What the members are; of a group that is empty, what they were. */
  protocolType: string | null = null;
  leader: string | undefined;
  readonly #idsByInstance = new Map<string, string>();

  get isEmpty(): boolean {
    return this.members.size === 0;
  }

  /** The member that a request comes from, which `check` has let pass. */
  member(memberId: string): Member {
    const member = this.members.get(memberId);
    assert(member !== undefined, "a request that passed the check comes from a member");
    return member;
  }

  ofInstance(instanceId: string | null): Member | undefined {
    const id = instanceId === null ? undefined : this.#idsByInstance.get(instanceId);
    return id === undefined ? undefined : this.members.get(id);
  }

  /** The error of a request from nobody that is a member under these names. */
  check({ memberId, instanceId }: MemberName): number {
    if (instanceId !== null) {
      const id = this.#idsByInstance.get(instanceId);
      if (id === undefined) return ERROR.UNKNOWN_MEMBER_ID;
      if (id !== memberId) return ERROR.FENCED_INSTANCE_ID;
    }
    return this.members.has(memberId) ? ERROR.NONE : ERROR.UNKNOWN_MEMBER_ID;
  }

  /** Whether whoever joins is of the members' type and knows a protocol that all of them know. */
  fits({ protocolType, protocols }: JoinRequest): boolean {
    if (protocolType === "" || protocols.length === 0) return false;
    if (this.isEmpty) return true;
    const everyone = [...this.members.values()];
    return (
      protocolType === this.protocolType &&
      protocols.some(({ name }) =>
        everyone.every(({ profile }) => profile.protocols.some((known) => known.name === name)),
      )
    );
  }

  add(member: Member, protocolType: string): void {
    if (this.isEmpty) this.protocolType = protocolType;
    this.members.set(member.id, member);
    this.promised.delete(member.id);
    const { instanceId } = member.profile;
    if (instanceId !== null) this.#idsByInstance.set(instanceId, member.id);
    this.leader ??= member.id;
  }

  remove(member: Member): void {
    this.members.delete(member.id);
    const { instanceId } = member.profile;
    if (instanceId !== null) this.#idsByInstance.delete(instanceId);
    if (this.leader === member.id) this.leader = this.members.keys().next().value;
  }

  /** Gives the place of `old`, its leadership included, to a member with another id. */
  replace(old: Member, member: Member): void {
    const { instanceId } = old.profile;
    assert(instanceId !== null, "only a static member is replaced");
    this.members.delete(old.id);
    this.members.set(member.id, member);
    this.#idsByInstance.set(instanceId, member.id);
    if (this.leader === old.id) this.leader = member.id;
  }

  /** Returns whether somebody leads who has joined again; where the leader has not, another takes over. */
  electJoined(): boolean {
    const joined = (id: string | undefined): boolean =>
      id !== undefined && this.members.get(id)?.joining !== undefined;
    if (joined(this.leader)) return true;
    const successor = [...this.members.keys()].find(joined);
    if (successor === undefined) return false;
    this.leader = successor;
    return true;
  }
}
