/**
 * The broker's streams as Kafka clients see them: topics with an id, partitions and their logs.
 *
 * Nothing is kept here but where an id was found last: a topic is looked up in the registry of streams
 * each time, so what a service of this process creates, changes or deletes is seen at once, and the
 * other way round.
 */

import type { LocalStream } from "../../../broker/in-process/stream/local-stream.ts";
import { refuseGrowth } from "../../../broker/in-process/stream/stream-engine.ts";
import type { StreamSpec } from "../../../broker/streams.ts";
import type { Engine } from "../../engine.ts";
import type { BatchLog } from "../../log/batch-log.ts";
import { topicIdOf } from "./topic-id.ts";

export interface Topic {
  readonly name: string;
  readonly id: string;
  readonly spec: StreamSpec;
  readonly partitions: readonly BatchLog[];
}

export class Topics {
  readonly #engine: Engine;
  readonly #byId = new Map<string, LocalStream>();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  find(name: string): Topic | undefined {
    const stream = this.#streams.get(name);
    return stream && this.#topic(stream);
  }

  findById(id: string): Topic | undefined {
    return this.lookupById()(id);
  }

  /**
   * For the ids of one request: an unknown one costs a look at all streams, which is taken once, however
   * many of them the request names.
   */
  lookupById(): (id: string) => Topic | undefined {
    let looked = false;
    return (id) => {
      let stream = this.#byId.get(id);
      if (stream === undefined || !this.#isThere(stream)) {
        if (looked) return undefined;
        looked = true;
        this.#byId.clear();
        for (const each of this.#streams.values()) this.#byId.set(idOf(each), each);
        stream = this.#byId.get(id);
      }
      return stream && this.#topic(stream);
    };
  }

  /** By name. */
  all(): readonly Topic[] {
    return [...this.#streams.values()]
      .map((stream) => this.#topic(stream))
      .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  /**
   * Undefined where there is one of the name already. Throws BAD_ARGUMENT for a name or a number that
   * no stream may have.
   */
  async create(spec: StreamSpec): Promise<Topic | undefined> {
    const created = await this.#engine.streams.create(spec);
    return created ? this.find(spec.name) : undefined;
  }

  /** Throws UNKNOWN_STREAM, and what `next` throws. */
  configure(name: string, next: (spec: StreamSpec) => StreamSpec): Promise<void> {
    return this.#engine.streams.configure(name, next);
  }

  /** Throws what `grow` would throw. */
  checkGrowth(name: string, partitions: number): void {
    refuseGrowth(this.#engine.streams.stream(name), partitions);
  }

  /**
   * Adds partitions. Throws UNKNOWN_STREAM, BAD_ARGUMENT for too few or too many, STREAM_MISMATCH where
   * a service of this process relies on their number.
   */
  grow(name: string, partitions: number): Promise<void> {
    return this.#engine.streams.grow(name, partitions);
  }

  /** Returns the partition's new earliest offset. Throws OFFSET_OUT_OF_RANGE beyond the end. */
  async deleteRecords(topic: Topic, partition: number, before: number): Promise<number> {
    const { incarnation } = this.#engine.streams.stream(topic.name).stored;
    return this.#engine.streamStorage.trimTo(incarnation, partition, before);
  }

  /** Throws UNKNOWN_STREAM. */
  delete(name: string): Promise<void> {
    return this.#engine.streams.remove(name);
  }

  get #streams(): ReadonlyMap<string, LocalStream> {
    return this.#engine.streams.streams;
  }

  #isThere(stream: LocalStream): boolean {
    return this.#streams.get(stream.name) === stream;
  }

  #topic(stream: LocalStream): Topic {
    return {
      name: stream.name,
      id: idOf(stream),
      spec: stream.spec,
      partitions: this.#engine.streamStorage.logsOf(stream.stored.incarnation),
    };
  }
}

function idOf({ stored }: LocalStream): string {
  return topicIdOf(stored.incarnation);
}
