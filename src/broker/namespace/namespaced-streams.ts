/** The stream face of a namespace; groups have names of its own, too. */

import type { RawMessage } from "../../model/message.ts";
import type { Outcome } from "../../model/outcome.ts";
import type { StartAt } from "../../model/position.ts";
import type { BrokerCapabilities } from "../capabilities.ts";
import type {
  Appended,
  AssignedPartition,
  GroupInfo,
  GroupMember,
  JoinOptions,
  ReadOptions,
  StreamInfo,
  StreamRecord,
  Streams,
  StreamSpec,
} from "../streams.ts";
import { checkName } from "../validate.ts";
import type { NamespaceNames } from "./names.ts";
import type { QuotaMeter } from "./quota.ts";

export class NamespacedStreams implements Streams {
  readonly #below: Streams;
  readonly #names: NamespaceNames;
  readonly #quota: QuotaMeter | undefined;

  constructor(below: Streams, names: NamespaceNames, quota: QuotaMeter | undefined) {
    this.#below = below;
    this.#names = names;
    this.#quota = quota;
  }

  get capabilities(): BrokerCapabilities {
    return this.#below.capabilities;
  }

  async ensureStream(spec: StreamSpec): Promise<StreamInfo> {
    // Below it would have a good name by its beginning alone.
    checkName("stream", spec.name);
    const info = await this.#below.ensureStream({ ...spec, name: this.#names.down(spec.name) });
    return named(info, spec.name);
  }

  async append(
    stream: string,
    messages: readonly RawMessage[],
    options?: { readonly partition?: number },
  ): Promise<readonly Outcome<Appended>[]> {
    const bytes = messages.reduce((sum, { value }) => sum + (value?.length ?? 0), 0);
    const error = await this.#quota?.take(bytes);
    if (error !== undefined) return messages.map(() => ({ ok: false, error }));
    return this.#below.append(this.#names.down(stream), messages, options);
  }

  read(stream: string, options: ReadOptions): AsyncIterable<readonly StreamRecord[]> {
    return this.#below.read(this.#names.down(stream), options);
  }

  partitionOf(stream: string, key: string): Promise<number> {
    return this.#below.partitionOf(this.#names.down(stream), key);
  }

  offsetAt(stream: string, partition: number, timeMs: number): Promise<number> {
    return this.#below.offsetAt(this.#names.down(stream), partition, timeMs);
  }

  async joinGroup({ group, streams, member, run }: JoinOptions): Promise<GroupMember> {
    checkName("group", group);
    return this.#below.joinGroup({
      group: this.#names.down(group),
      streams: streams.map((stream) => this.#names.down(stream)),
      member,
      run: (assigned) => run(this.#assigned(assigned)),
    });
  }

  seekGroup(group: string, stream: string, partition: number, to: StartAt): Promise<number> {
    const { down } = this.#names;
    return this.#below.seekGroup(down(group), down(stream), partition, to);
  }

  async listStreams(): Promise<readonly StreamInfo[]> {
    const all = await this.#below.listStreams();
    return all.flatMap((info) => {
      const name = this.#names.up(info.spec.name);
      return name === undefined ? [] : [named(info, name)];
    });
  }

  async describeStream(stream: string): Promise<StreamInfo> {
    return named(await this.#below.describeStream(this.#names.down(stream)), stream);
  }

  deleteStream(stream: string): Promise<void> {
    return this.#below.deleteStream(this.#names.down(stream));
  }

  async listGroups(): Promise<readonly GroupInfo[]> {
    const all = await this.#below.listGroups();
    return all.flatMap((info) => {
      const group = this.#names.up(info.group);
      return group === undefined ? [] : [this.#group(info, group)];
    });
  }

  async describeGroup(group: string): Promise<GroupInfo> {
    return this.#group(await this.#below.describeGroup(this.#names.down(group)), group);
  }

  #group({ positions }: GroupInfo, group: string): GroupInfo {
    const own = positions.flatMap((position) => {
      const stream = this.#names.up(position.stream);
      return stream === undefined ? [] : [{ ...position, stream }];
    });
    return { group, positions: own };
  }

  /** Made by hand: what the broker gives may be an object whose methods stand on its class. */
  #assigned(below: AssignedPartition): AssignedPartition {
    const { partition, epoch, revoked } = below;
    return {
      stream: this.#names.up(below.stream) ?? below.stream,
      partition,
      epoch,
      revoked,
      get committed() {
        return below.committed;
      },
      read: (from, options) => below.read(from, options),
      commit: (offset) => below.commit(offset),
    };
  }
}

function named(info: StreamInfo, name: string): StreamInfo {
  return { ...info, spec: { ...info.spec, name } };
}
