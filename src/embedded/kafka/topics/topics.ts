/**
 * The broker's streams as Kafka clients see them: topics with an id, partitions and their logs.
 *
 * Nothing is kept here: a topic is looked up in the registry of streams each time, so what a service of
 * this process creates or deletes is seen at once, and the other way round.
 */

import type { LocalStream } from "../../../broker/in-process/stream/local-stream.ts";
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

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  find(name: string): Topic | undefined {
    const stream = this.#engine.streams.streams.get(name);
    return stream && this.#topic(stream);
  }

  findById(id: string): Topic | undefined {
    for (const stream of this.#engine.streams.streams.values()) {
      if (topicIdOf(stream.stored.incarnation) === id) return this.#topic(stream);
    }
    return undefined;
  }

  all(): readonly Topic[] {
    return [...this.#engine.streams.streams.values()].map((stream) => this.#topic(stream));
  }

  /** Throws BAD_ARGUMENT for a name or a number that no stream may have. */
  async create(spec: StreamSpec): Promise<Topic> {
    await this.#engine.streams.ensure(spec);
    return this.find(spec.name)!;
  }

  /** Throws UNKNOWN_STREAM. */
  delete(name: string): Promise<void> {
    return this.#engine.streams.remove(name);
  }

  #topic(stream: LocalStream): Topic {
    const { incarnation } = stream.stored;
    return {
      name: stream.name,
      id: topicIdOf(incarnation),
      spec: stream.spec,
      partitions: this.#engine.streamStorage.logsOf(incarnation),
    };
  }
}
