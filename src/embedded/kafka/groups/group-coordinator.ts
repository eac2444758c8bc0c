/**
 * The groups that Kafka clients form, by name.
 *
 * Who is in a group is known in memory alone: after a restart its members are unknown and join again.
 * What it has committed is kept where the positions of every group are. A name is used by Kafka clients
 * or by members of this process, not by both at a time: each side asks the other before it lets one in.
 *
 * A group begins with its first member and ends when nobody has been in it for a while and it has
 * committed nothing, or when somebody deletes it.
 */

import type { Engine } from "../../engine.ts";
import { ERROR } from "../error-codes.ts";
import type {
  JoinAnswer,
  JoinRequest,
  MemberClaim,
  MemberName,
  SyncAnswer,
  SyncRequest,
} from "./group-messages.ts";
import type { GroupSettings } from "./group-machine.ts";
import { OFFSETS_ALONE, viewOfInProcess, viewOfKafka, type GroupView } from "./group-view.ts";
import { KafkaGroup } from "./kafka-group.ts";

export interface CoordinatorSettings extends GroupSettings {
  /** How long a group is kept in which nobody is and which has committed nothing. */
  readonly vacantMs: number;
}

export class GroupCoordinator {
  readonly #engine: Engine;
  readonly #settings: CoordinatorSettings;
  readonly #groups = new Map<string, KafkaGroup>();

  constructor(engine: Engine, settings: CoordinatorSettings) {
    this.#engine = engine;
    this.#settings = settings;
  }

  /** Every group that has members or has committed, also those of this process. */
  names(): readonly string[] {
    const { streams, streamStorage } = this.#engine;
    const named = [...this.#groups.keys(), ...streamStorage.groups(), ...streams.groups.keys()];
    return [...new Set(named)].filter((name) => this.view(name) !== undefined).toSorted();
  }

  /** Undefined where nobody is in such a group and it has committed nothing. */
  view(name: string): GroupView | undefined {
    const { streams, streamStorage } = this.#engine;
    const inProcess = streams.groups.get(name);
    if (inProcess?.empty === false) return viewOfInProcess(inProcess);
    const group = this.#groups.get(name);
    if (group !== undefined) return viewOfKafka(group.machine);
    return streamStorage.positions(name).length > 0 ? OFFSETS_ALONE : undefined;
  }

  /** Whether members of this process, not Kafka clients, use the name now. */
  #isTaken(name: string): boolean {
    return this.#engine.streams.groups.get(name)?.empty === false;
  }

  /** An error code where the name is taken, or the group that the client says it is in is not there. */
  join(name: string, request: JoinRequest): Promise<JoinAnswer> | number {
    if (this.#isTaken(name)) return ERROR.INCONSISTENT_GROUP_PROTOCOL;
    const group = this.#groups.get(name) ?? (request.memberId === "" && this.#create(name));
    if (!group) return ERROR.UNKNOWN_MEMBER_ID;
    const { machine, nowMs } = group;
    return group.ask<JoinAnswer>("join", (ticket) => machine.join(ticket, request, nowMs));
  }

  sync(name: string, request: SyncRequest): Promise<SyncAnswer> | number {
    const group = this.#groups.get(name);
    if (group === undefined) return ERROR.UNKNOWN_MEMBER_ID;
    const { machine, nowMs } = group;
    return group.ask<SyncAnswer>("sync", (ticket) => machine.sync(ticket, request, nowMs));
  }

  heartbeat(name: string, claim: MemberClaim): number {
    const group = this.#groups.get(name);
    return group?.machine.heartbeat(claim, group.nowMs) ?? ERROR.UNKNOWN_MEMBER_ID;
  }

  /** An error code for each. */
  leave(name: string, leaving: readonly MemberName[]): readonly number[] {
    const group = this.#groups.get(name);
    return group?.leave(leaving) ?? leaving.map(() => ERROR.UNKNOWN_MEMBER_ID);
  }

  /** Whether offsets may be committed under this claim, as an error code. */
  mayCommit(
    name: string,
    claim: MemberClaim,
    options?: { readonly transactional: boolean },
  ): number {
    if (this.#isTaken(name)) return ERROR.UNKNOWN_MEMBER_ID;
    const group = this.#groups.get(name);
    if (group !== undefined) return group.machine.commit(claim, group.nowMs, options);
    return claim.generation < 0 ? ERROR.NONE : ERROR.ILLEGAL_GENERATION;
  }

  /** Forgets a group that nobody is in. */
  drop(name: string): void {
    this.#groups.get(name)?.close();
    this.#groups.delete(name);
    this.#engine.streams.dropGroup(name);
  }

  /** Refuses whatever waits. */
  close(): void {
    for (const group of this.#groups.values()) group.close();
  }

  #create(name: string): KafkaGroup {
    const { environment, streams, streamStorage } = this.#engine;
    const { clock, ids } = environment;
    const group = new KafkaGroup({
      settings: this.#settings,
      clock,
      newMemberId: (prefix) => `${prefix}-${ids.newId()}`,
      vacantMs: this.#settings.vacantMs,
      onVacant: () => {
        if (streamStorage.positions(name).length === 0) this.drop(name);
      },
    });
    this.#groups.set(name, group);
    streams.group(name).admit(group);
    return group;
  }
}
