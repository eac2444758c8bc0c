/**
 * Who of a group reads which partition: the pure part of group coordination.
 *
 * Every partition is in one of three states. *Free*: nobody holds it. *Held*: its holder's run is
 * under way. *Leaving*: its holder was told to let go and has not yet said so. A partition changes
 * hands only through leaving and free, so two members never run it at one time, and each new holder
 * gets an epoch above every one before it.
 *
 * Each change of members computes the wanted owners anew (`wantedOwners`): holders keep what they
 * have as long as the loads differ by no more than one, so a change moves few partitions. The
 * machine answers with the steps to take; the caller takes them and reports `released`.
 */

import { assert } from "../model/assert.ts";

export interface StreamPartition {
  readonly stream: string;
  readonly partition: number;
}

export type AssignmentStep = StreamPartition & { readonly member: string } & (
    | { readonly step: "assign"; readonly epoch: number }
    | { readonly step: "revoke" }
  );

interface Place extends StreamPartition {
  holder: string | undefined;
  leaving: boolean;
}

const placeKey = (stream: string, partition: number): string => `${stream}/${partition}`;

export class GroupAssignment {
  /** Members in the order of joining, with the streams they read. */
  readonly #members = new Map<string, ReadonlySet<string>>();
  readonly #places = new Map<string, Place>();
  readonly #nextEpoch: () => number;

  /** `nextEpoch` gives a number above every one that it gave before, also in earlier processes. */
  constructor(nextEpoch: () => number) {
    this.#nextEpoch = nextEpoch;
  }

  get memberCount(): number {
    return this.#members.size;
  }

  /** Who holds the partition or is still letting go of it. */
  holderOf(stream: string, partition: number): string | undefined {
    return this.#places.get(placeKey(stream, partition))?.holder;
  }

  /** Adds a member that reads the given streams (name to number of partitions). */
  join(member: string, streams: ReadonlyMap<string, number>): AssignmentStep[] {
    assert(!this.#members.has(member), `member ${member} joins once`);
    this.#members.set(member, new Set(streams.keys()));
    for (const [stream, partitions] of streams) this.#addPlaces(stream, partitions);
    return this.#rebalance();
  }

  /** The stream has so many partitions now, more than before. */
  grow(stream: string, partitions: number): AssignmentStep[] {
    if (!this.#isRead(stream)) return [];
    this.#addPlaces(stream, partitions);
    return this.#rebalance();
  }

  /** Removes a member; what it holds is revoked and goes on when released. */
  leave(member: string): AssignmentStep[] {
    if (!this.#members.delete(member)) return [];
    return this.#rebalance();
  }

  /** The holder has let go: its run has returned. */
  released(member: string, { stream, partition }: StreamPartition): AssignmentStep[] {
    const place = this.#places.get(placeKey(stream, partition));
    assert(place?.holder === member, `${member} releases ${stream}[${partition}], which it holds`);
    place.holder = undefined;
    place.leaving = false;
    return this.#rebalance();
  }

  #addPlaces(stream: string, partitions: number): void {
    for (let partition = 0; partition < partitions; partition++) {
      const key = placeKey(stream, partition);
      if (this.#places.has(key)) continue;
      this.#places.set(key, { stream, partition, holder: undefined, leaving: false });
    }
  }

  #rebalance(): AssignmentStep[] {
    const wanted = wantedOwners([...this.#places.values()], this.#members);
    const steps: AssignmentStep[] = [];
    for (const [key, place] of this.#places) {
      const { stream, partition, holder } = place;
      const owner = wanted.get(key);
      if (holder === undefined) {
        if (owner === undefined) {
          if (!this.#isRead(stream)) this.#places.delete(key);
          continue;
        }
        place.holder = owner;
        steps.push({ step: "assign", member: owner, stream, partition, epoch: this.#nextEpoch() });
      } else if (owner !== holder && !place.leaving) {
        place.leaving = true;
        steps.push({ step: "revoke", member: holder, stream, partition });
      }
    }
    return steps;
  }

  #isRead(stream: string): boolean {
    for (const streams of this.#members.values()) if (streams.has(stream)) return true;
    return false;
  }
}

/**
 * The owner each partition should have: every partition that a member reads has one, loads differ
 * by at most one between members that read the same, and holders keep as much as that allows.
 */
function wantedOwners(
  places: readonly Place[],
  members: ReadonlyMap<string, ReadonlySet<string>>,
): Map<string, string> {
  const owners = new Map<string, string>();
  const loads = new Map<string, number>([...members.keys()].map((member) => [member, 0]));
  const give = (place: Place, to: string): void => {
    const key = placeKey(place.stream, place.partition);
    const from = owners.get(key);
    if (from !== undefined) loads.set(from, loads.get(from)! - 1);
    owners.set(key, to);
    loads.set(to, loads.get(to)! + 1);
  };
  const leastLoaded = (stream: string): string | undefined => {
    let best: string | undefined;
    for (const [member, streams] of members) {
      if (!streams.has(stream)) continue;
      if (best === undefined || loads.get(member)! < loads.get(best)!) best = member;
    }
    return best;
  };

  // A holder that is letting go already keeps no claim: taking the partition back would need it to
  // return from its run all the same.
  for (const place of places) {
    if (place.holder === undefined || place.leaving) continue;
    if (members.get(place.holder)?.has(place.stream) === true) give(place, place.holder);
  }
  for (const place of places) {
    if (owners.has(placeKey(place.stream, place.partition))) continue;
    const member = leastLoaded(place.stream);
    if (member !== undefined) give(place, member);
  }
  // Each move lowers the sum of squared loads, so this ends.
  for (let moved = true; moved;) {
    moved = false;
    for (const place of places) {
      const owner = owners.get(placeKey(place.stream, place.partition));
      const lighter = leastLoaded(place.stream);
      if (owner === undefined || lighter === undefined) continue;
      if (loads.get(owner)! - loads.get(lighter)! < 2) continue;
      give(place, lighter);
      moved = true;
    }
  }
  return owners;
}
