/**
 * A consumer group within one process: members, their runs, and the committed positions.
 *
 * `GroupAssignment` decides; this class takes its steps. *assign* starts the member's `run` with a
 * fresh `revoked` signal; *revoke* aborts that signal; when the run returns, the partition is
 * reported released and the machine gives it on. So a partition's next owner starts when the
 * former's run has returned, never before. A run that returns without being asked keeps its
 * partition, idle, until the next change: starting it again at once would spin.
 *
 * A member ends in one of two ways: `close` (resolves `ended`), or a run that rejects, or a stream
 * that is deleted (both reject `ended`). Either way all its partitions are revoked and waited for.
 */

import { MillraceError } from "../../../model/errors.ts";
import type { StartAt } from "../../../model/position.ts";
import { GroupAssignment, type AssignmentStep, type StreamPartition } from "../../assignment.ts";
import type { AssignedPartition, GroupMember, GroupPosition, JoinOptions } from "../../streams.ts";
import type { LocalStream } from "./local-stream.ts";
import { readPartition } from "./read-partition.ts";
import type { StreamStorage } from "./stream-storage.ts";

interface Run {
  readonly revoked: AbortController;
  /** The run has returned: what it still holds may not commit. */
  over: boolean;
  /** It returned before it was revoked. */
  idle: boolean;
}

interface Member {
  readonly id: string;
  readonly name: string;
  readonly options: JoinOptions;
  readonly streams: ReadonlyMap<string, LocalStream>;
  readonly closed: AbortSignal;
  readonly runs: Map<string, Run>;
  leaving: boolean;
  failure: { readonly error: unknown } | undefined;
  finish: () => void;
  readonly finished: Promise<void>;
}

/** Members of a group who are not of this process: the clients of a door. */
export interface OutsideMembers {
  readonly isEmpty: boolean;
  /** What each of them reads now, as far as the door can tell. */
  assignments(): Iterable<StreamPartition & { readonly member: string }>;
}

const runKey = ({ stream, partition }: StreamPartition): string => `${stream}/${partition}`;

export class Group {
  readonly name: string;
  readonly #storage: StreamStorage;
  readonly #assignment: GroupAssignment;
  readonly #members = new Map<string, Member>();
  #outside: OutsideMembers | undefined;
  #joined = 0;

  constructor(name: string, storage: StreamStorage) {
    this.name = name;
    this.#storage = storage;
    this.#assignment = new GroupAssignment(() => storage.nextEpoch());
  }

  /** Whether nobody of this process is in it, nor still letting go. */
  get empty(): boolean {
    return this.#members.size === 0;
  }

  /** The members of this process. */
  get memberNames(): readonly string[] {
    return Array.from(this.#members.values(), ({ name }) => name);
  }

  /** Lets clients of a door into the group, whenever nobody of this process is in it. */
  admit(outside: OutsideMembers): void {
    this.#outside = outside;
  }

  /**
   * Throws GROUP_IN_USE while clients of a door are in the group, and POSITION_MISMATCH when the group has committed a position beyond a partition's end: the
   * log lost its tail or is another one, and reading on would skip what comes to lie there.
   */
  join(
    options: JoinOptions,
    streams: ReadonlyMap<string, LocalStream>,
    closed: AbortSignal,
  ): GroupMember {
    this.#refuseOutside();
    for (const stream of streams.values()) this.#checkPositions(stream);
    const { promise: finished, resolve: finish } = Promise.withResolvers<void>();
    const member: Member = {
      id: `${options.member}#${++this.#joined}`,
      name: options.member,
      options,
      streams,
      closed,
      runs: new Map(),
      leaving: false,
      failure: undefined,
      finish,
      finished,
    };
    this.#members.set(member.id, member);
    const counts = new Map([...streams].map(([name, stream]) => [name, stream.partitions]));
    this.#take(this.#assignment.join(member.id, counts));
    const ended = finished.then(() => {
      if (member.failure !== undefined) throw member.failure.error;
    });
    // Whoever joins may look at `ended` late or never; the failure is kept for him all the same.
    ended.catch(() => {});
    return {
      ended,
      close: () => {
        this.#leave(member);
        return finished;
      },
    };
  }

  memberOn(stream: string, partition: number): string | undefined {
    const holder = this.#assignment.holderOf(stream, partition);
    if (holder !== undefined) return this.#members.get(holder)?.name;
    for (const place of this.#outside?.assignments() ?? []) {
      if (place.stream === stream && place.partition === partition) return place.member;
    }
    return undefined;
  }

  /** Makes every member leave that reads the stream, with `error`. */
  async dropStream(stream: string, error: MillraceError): Promise<void> {
    const readers = [...this.#members.values()].filter((member) => member.streams.has(stream));
    for (const member of readers) this.#leave(member, { error });
    await Promise.all(readers.map((member) => member.finished));
  }

  /** Gives the members that read the stream its new partitions. */
  growStream({ name, partitions }: LocalStream): void {
    this.#take(this.#assignment.grow(name, partitions));
  }

  positions(streams: ReadonlyMap<string, LocalStream>): GroupPosition[] {
    const places = new Map<string, StreamPartition>();
    for (const place of this.#storage.positions(this.name)) places.set(runKey(place), place);
    for (const place of this.#outside?.assignments() ?? []) places.set(runKey(place), place);
    for (const member of this.#members.values()) {
      for (const stream of member.streams.values()) {
        for (let partition = 0; partition < stream.partitions; partition++) {
          places.set(`${stream.name}/${partition}`, { stream: stream.name, partition });
        }
      }
    }
    const positions: GroupPosition[] = [];
    for (const { stream, partition } of places.values()) {
      const log = streams.get(stream)?.log(partition);
      if (log === undefined) continue;
      const committed = this.#storage.position(this.name, stream, partition);
      const member = this.memberOn(stream, partition);
      const { earliest, visibleEnd: end } = log;
      positions.push({
        stream,
        partition,
        committed,
        end,
        lag: Math.max(0, end - Math.max(committed ?? earliest, earliest)),
        ...(member === undefined ? {} : { member }),
      });
    }
    return positions.toSorted(
      (a, b) => a.stream.localeCompare(b.stream) || a.partition - b.partition,
    );
  }

  async seek(stream: LocalStream, partition: number, to: StartAt): Promise<number> {
    stream.log(partition);
    const refuseOwned = (): void => {
      this.#refuseOutside();
      const owner = this.memberOn(stream.name, partition);
      if (owner === undefined) return;
      throw new MillraceError(
        "FENCED",
        `${owner} of group ${this.name} reads ${stream.name}[${partition}]; stop it, then seek`,
        { details: { group: this.name, stream: stream.name, partition, member: owner } },
      );
    };
    refuseOwned();
    const offset = await stream.resolve(partition, to);
    refuseOwned();
    await this.#storage.savePosition(this.name, { stream: stream.name, partition, offset });
    return offset;
  }

  #refuseOutside(): void {
    if (this.#outside?.isEmpty !== false) return;
    throw new MillraceError(
      "GROUP_IN_USE",
      `group ${this.name} is in use by clients from outside; stop them, or take another name`,
      { details: { group: this.name } },
    );
  }

  #checkPositions(stream: LocalStream): void {
    for (let partition = 0; partition < stream.partitions; partition++) {
      const committed = this.#storage.position(this.name, stream.name, partition);
      const { end } = stream.log(partition);
      if (committed === undefined || committed <= end) continue;
      throw new MillraceError(
        "POSITION_MISMATCH",
        `group ${this.name} is at offset ${committed} of ${stream.name}[${partition}], beyond its end ${end}: the stream lost its tail or is another one; seek the group to where it should go on`,
        { details: { group: this.name, stream: stream.name, partition, committed, end } },
      );
    }
  }

  #take(steps: readonly AssignmentStep[]): void {
    for (const step of steps) {
      const member = this.#members.get(step.member);
      if (member === undefined) continue;
      if (step.step === "assign") this.#start(member, step, step.epoch);
      else this.#revoke(member, step);
    }
  }

  #revoke(member: Member, place: StreamPartition): void {
    const run = member.runs.get(runKey(place))!;
    run.revoked.abort();
    if (run.idle) this.#released(member, place);
  }

  #start(member: Member, place: StreamPartition, epoch: number): void {
    const run: Run = { revoked: new AbortController(), over: false, idle: false };
    member.runs.set(runKey(place), run);
    const partition = this.#assigned(member, place, epoch, run);
    // Started in a microtask, so that a run never begins inside the caller's `joinGroup`.
    void Promise.resolve()
      .then(() => (run.revoked.signal.aborted ? undefined : member.options.run(partition)))
      .then(
        () => this.#returned(member, place, run),
        (error: unknown) => {
          const asked = run.revoked.signal.aborted && error === run.revoked.signal.reason;
          if (!asked) member.failure ??= { error };
          this.#returned(member, place, run);
          if (!asked) this.#leave(member);
        },
      );
  }

  #returned(member: Member, place: StreamPartition, run: Run): void {
    run.over = true;
    if (run.revoked.signal.aborted) this.#released(member, place);
    else run.idle = true;
  }

  #released(member: Member, place: StreamPartition): void {
    member.runs.delete(runKey(place));
    this.#take(this.#assignment.released(member.id, place));
    this.#finishIfLeft(member);
  }

  #leave(member: Member, failure?: { readonly error: unknown }): void {
    if (member.leaving) return;
    member.leaving = true;
    member.failure ??= failure;
    this.#take(this.#assignment.leave(member.id));
    this.#finishIfLeft(member);
  }

  #finishIfLeft(member: Member): void {
    if (!member.leaving || member.runs.size > 0) return;
    this.#members.delete(member.id);
    member.finish();
  }

  #assigned(member: Member, place: StreamPartition, epoch: number, run: Run): AssignedPartition {
    const stream = member.streams.get(place.stream)!;
    const { partition } = place;
    const group = this.name;
    const storage = this.#storage;
    return {
      stream: stream.name,
      partition,
      epoch,
      committed: storage.position(group, stream.name, partition),
      revoked: run.revoked.signal,
      read: (from, options) =>
        readPartition({
          stream,
          partition,
          from,
          follow: true,
          batchCount: options?.batchCount,
          stop: run.revoked.signal,
          closed: member.closed,
        }),
      async commit(offset) {
        if (run.over || stream.gone.aborted) {
          throw new MillraceError(
            "FENCED",
            `${member.name} no longer owns ${stream.name}[${partition}] in group ${group}; stop working on it`,
            { details: { group, stream: stream.name, partition, epoch } },
          );
        }
        const { end } = stream.log(partition);
        if (!Number.isSafeInteger(offset) || offset < 0 || offset > end) {
          throw stream.outOfRange(partition, offset);
        }
        await storage.savePosition(group, { stream: stream.name, partition, offset });
      },
    };
  }
}
