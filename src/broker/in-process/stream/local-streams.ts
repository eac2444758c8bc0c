/** The stream port of a broker in this process: one client's view of a `StreamEngine`. */

import { MillraceError } from "../../../model/errors.ts";
import type { RawMessage } from "../../../model/message.ts";
import type { Outcome } from "../../../model/outcome.ts";
import type { StartAt } from "../../../model/position.ts";
import type { BrokerCapabilities } from "../../capabilities.ts";
import type {
  Appended,
  GroupInfo,
  GroupMember,
  JoinOptions,
  ReadOptions,
  StreamInfo,
  StreamRecord,
  StreamSpec,
  Streams,
} from "../../streams.ts";
import { checkBatchCount, checkName } from "../../validate.ts";
import type { Group } from "./group.ts";
import { readPartition } from "./read-partition.ts";
import type { StreamEngine } from "./stream-engine.ts";

export class LocalStreams implements Streams {
  readonly capabilities: BrokerCapabilities;
  readonly #engine: StreamEngine;
  readonly #closed = new AbortController();
  readonly #members = new Set<GroupMember>();

  constructor(engine: StreamEngine, capabilities: BrokerCapabilities) {
    this.#engine = engine;
    this.capabilities = capabilities;
  }

  async ensureStream(spec: StreamSpec): Promise<StreamInfo> {
    this.#closed.signal.throwIfAborted();
    const { compaction } = this.capabilities.levels;
    if (spec.compaction !== undefined && compaction.level === "absent") {
      const { adapter } = this.capabilities;
      throw new MillraceError(
        "CAPABILITY_MISSING",
        `the stream ${spec.name} asks for compaction, which ${adapter} lacks: ${compaction.reason}; leave it out, or use a broker that has it`,
        { details: { stream: spec.name, capability: "compaction", adapter } },
      );
    }
    return this.#engine.ensure(spec);
  }

  append(
    stream: string,
    messages: readonly RawMessage[],
    options?: { readonly partition?: number },
  ): Promise<readonly Outcome<Appended>[]> {
    // Not an async function: one promise less for each message of the hottest path.
    try {
      checkBatchCount(`an append to ${stream}`, messages.length);
      const { signal } = this.#closed;
      if (signal.aborted) {
        const error: MillraceError = signal.reason;
        return Promise.resolve(messages.map(() => ({ ok: false, error })));
      }
      return this.#engine.stream(stream).append(messages, options?.partition);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  read(stream: string, options: ReadOptions): AsyncIterable<readonly StreamRecord[]> {
    const { partition, from, follow = false, batchCount, signal } = options;
    this.#closed.signal.throwIfAborted();
    return readPartition({
      stream: this.#engine.stream(stream),
      partition,
      from,
      follow,
      batchCount,
      stop: signal,
      closed: this.#closed.signal,
    });
  }

  async offsetAt(stream: string, partition: number, timeMs: number): Promise<number> {
    this.#closed.signal.throwIfAborted();
    return this.#engine.stream(stream).log(partition).offsetAt(timeMs);
  }

  async joinGroup(options: JoinOptions): Promise<GroupMember> {
    this.#closed.signal.throwIfAborted();
    checkName("group", options.group);
    const streams = new Map(options.streams.map((name) => [name, this.#engine.stream(name)]));
    const member = this.#engine.group(options.group).join(options, streams, this.#closed.signal);
    this.#members.add(member);
    member.ended.then(
      () => this.#members.delete(member),
      () => this.#members.delete(member),
    );
    return member;
  }

  async seekGroup(group: string, stream: string, partition: number, to: StartAt): Promise<number> {
    this.#closed.signal.throwIfAborted();
    return this.#group(group).seek(this.#engine.stream(stream), partition, to);
  }

  async listStreams(): Promise<readonly StreamInfo[]> {
    this.#closed.signal.throwIfAborted();
    return byName([...this.#engine.streams]).map((stream) => stream.info());
  }

  async partitionOf(stream: string, key: string): Promise<number> {
    this.#closed.signal.throwIfAborted();
    return this.#engine.stream(stream).partitionOf(key);
  }

  async describeStream(stream: string): Promise<StreamInfo> {
    this.#closed.signal.throwIfAborted();
    return this.#engine.stream(stream).info();
  }

  async deleteStream(stream: string): Promise<void> {
    this.#closed.signal.throwIfAborted();
    await this.#engine.remove(stream);
  }

  async listGroups(): Promise<readonly GroupInfo[]> {
    this.#closed.signal.throwIfAborted();
    return byName([...this.#engine.groups]).map((group) => this.#info(group));
  }

  async describeGroup(group: string): Promise<GroupInfo> {
    this.#closed.signal.throwIfAborted();
    return this.#info(this.#group(group));
  }

  /** Closes this client's members, waits for their runs, and ends its reads. Idempotent. */
  async close(): Promise<void> {
    await Promise.all([...this.#members].map((member) => member.close()));
    if (this.#closed.signal.aborted) return;
    this.#closed.abort(new MillraceError("CLOSED", "the broker was closed; open it again"));
  }

  #group(name: string): Group {
    const group = this.#engine.groups.get(name);
    if (group !== undefined) return group;
    throw new MillraceError(
      "UNKNOWN_GROUP",
      `there is no group ${name}; a group exists once a member has joined it`,
      { details: { group: name } },
    );
  }

  #info(group: Group): GroupInfo {
    return { group: group.name, positions: group.positions(this.#engine.streams) };
  }
}

function byName<Item>(entries: readonly (readonly [string, Item])[]): Item[] {
  return entries.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, item]) => item);
}
