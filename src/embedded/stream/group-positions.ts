/**
 * What groups have committed, in the broker's state log.
 *
 * A position is told when it is durable, not before: a reader that goes on from it after a crash must
 * find it there. Positions that are saved together are durable together or not at all.
 */

import type { StoredPosition } from "../../broker/in-process/stream/stream-storage.ts";
import type { KeyedLog, StateChange } from "../keyed-log.ts";

export interface GroupPosition {
  readonly group: string;
  readonly position: StoredPosition;
}

type Place = Pick<StoredPosition, "stream" | "partition">;

const PREFIX = "position/";

/** A client from outside may name its group as it likes. */
const keyOf = (group: string, { stream, partition }: Place): string =>
  `${PREFIX}${encodeURIComponent(group)}/${stream}/${partition}`;

export class GroupPositions {
  readonly #state: KeyedLog;
  /** By group, then by key. */
  readonly #groups = new Map<string, Map<string, StoredPosition>>();

  constructor(state: KeyedLog) {
    this.#state = state;
    for (const [key, value] of state.entries(PREFIX)) {
      const { group, ...place } = parseKey(key);
      this.#set(group, key, { ...place, ...decode(value) });
    }
  }

  /** Groups that have committed something. */
  groups(): readonly string[] {
    return [...this.#groups.keys()];
  }

  of(group: string): readonly StoredPosition[] {
    return [...(this.#groups.get(group)?.values() ?? [])];
  }

  find(group: string, place: Place): StoredPosition | undefined {
    return this.#groups.get(group)?.get(keyOf(group, place));
  }

  /** Durable when it resolves. Rejects TOO_LARGE, or with what stops the state log. */
  save(group: string, positions: readonly StoredPosition[]): Promise<void> {
    return this.saveWith(
      positions.map((position) => ({ group, position })),
      [],
    );
  }

  /** As `save`, for several groups, and together with further changes of the state log. */
  async saveWith(positions: readonly GroupPosition[], also: readonly StateChange[]): Promise<void> {
    const entries = positions.map(({ group, position }) => {
      return { group, position, key: keyOf(group, position) };
    });
    const changes = entries.map(({ key, position }): StateChange => [key, encode(position)]);
    await this.#state.putAll([...changes, ...also]);
    for (const { group, key, position } of entries) this.#set(group, key, position);
  }

  /** Forgets what the group committed; durable when it resolves. */
  async remove(group: string, places: readonly Place[]): Promise<void> {
    const keys = places.map((place) => keyOf(group, place));
    await this.#state.putAll(keys.map((key) => [key, undefined]));
    for (const key of keys) this.#delete(group, key);
  }

  /** Forgets what all groups committed of the stream, also what is not durable yet. */
  async removeStream(stream: string): Promise<void> {
    const keys = Array.from(this.#state.entries(PREFIX), ([key]) => key).filter(
      (key) => parseKey(key).stream === stream,
    );
    await this.#state.putAll(keys.map((key) => [key, undefined]));
    for (const key of keys) this.#delete(parseKey(key).group, key);
  }

  #set(group: string, key: string, position: StoredPosition): void {
    let positions = this.#groups.get(group);
    if (positions === undefined) this.#groups.set(group, (positions = new Map()));
    positions.set(key, position);
  }

  #delete(group: string, key: string): void {
    const positions = this.#groups.get(group);
    positions?.delete(key);
    if (positions?.size === 0) this.#groups.delete(group);
  }
}

function parseKey(key: string): Place & { readonly group: string } {
  const [, group = "", stream = "", partition] = key.split("/");
  return { group: decodeURIComponent(group), stream, partition: Number(partition) };
}

/** `OFFSET`, `OFFSET@EPOCH`; where a client stored more with it, a space and that as it is. */
function encode({ offset, leaderEpoch, metadata }: StoredPosition): string {
  const where = leaderEpoch === undefined ? String(offset) : `${offset}@${leaderEpoch}`;
  return metadata === undefined ? where : `${where} ${metadata}`;
}

function decode(value: string): Omit<StoredPosition, "stream" | "partition"> {
  const space = value.indexOf(" ");
  const [offset, epoch] = (space < 0 ? value : value.slice(0, space)).split("@");
  return {
    offset: Number(offset),
    ...(epoch !== undefined && { leaderEpoch: Number(epoch) }),
    ...(space >= 0 && { metadata: value.slice(space + 1) }),
  };
}
