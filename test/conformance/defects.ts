/**
 * Brokers with one defect each, and the case that must notice it: a suite that passes everything
 * proves nothing.
 */

import type { Broker } from "../../src/broker/broker.ts";
import type { BrokerCapabilities, Capability } from "../../src/broker/capabilities.ts";
import type { Lease, QueueReceiver, Queues } from "../../src/broker/queues.ts";
import type { AssignedPartition, StreamRecord, Streams } from "../../src/broker/streams.ts";
import type { RawMessage } from "../../src/model/message.ts";

export interface Defect {
  /** What the broker does wrong. */
  readonly does: string;
  /** Part of the title of a case that must fail. */
  readonly caughtBy: string;
  readonly streams?: (sound: Streams) => Partial<Streams>;
  readonly queues?: (sound: Queues) => Partial<Queues>;
}

/** The broker with the defect in place of what it spoils. */
export function spoil(broker: Broker, { streams, queues }: Defect): Broker {
  return {
    ...(broker.streams && { streams: overlay(broker.streams, streams) }),
    ...(broker.queues && { queues: overlay(broker.queues, queues) }),
    close: () => broker.close(),
    [Symbol.asyncDispose]: () => broker.close(),
  };
}

function overlay<Face extends object>(
  sound: Face,
  defect: ((face: Face) => Partial<Face>) | undefined,
): Face {
  const spoiled = defect?.(sound) ?? {};
  return new Proxy(sound, {
    get(target, name) {
      const value: unknown = Reflect.get(name in spoiled ? spoiled : target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

const without = (capabilities: BrokerCapabilities, absent: Capability): BrokerCapabilities => ({
  ...capabilities,
  levels: { ...capabilities.levels, [absent]: { level: "absent", reason: "it says so" } },
});

async function* mapBatches(
  batches: AsyncIterable<readonly StreamRecord[]>,
  change: (batch: readonly StreamRecord[]) => readonly StreamRecord[],
): AsyncIterable<readonly StreamRecord[]> {
  for await (const batch of batches) {
    const changed = change(batch);
    if (changed.length > 0) yield changed;
  }
}

const readsWith = (change: (batch: readonly StreamRecord[]) => readonly StreamRecord[]) => {
  return (sound: Streams): Partial<Streams> => ({
    read: (stream, options) => mapBatches(sound.read(stream, options), change),
  });
};

const joinsWith = (change: (partition: AssignedPartition) => Partial<AssignedPartition>) => {
  return (sound: Streams): Partial<Streams> => ({
    joinGroup: (options) =>
      sound.joinGroup({
        ...options,
        run: (partition) => options.run(overlay(partition, () => change(partition))),
      }),
  });
};

const leasesWith = (change: (lease: Lease) => Lease) => {
  return (sound: Queues): Partial<Queues> => ({
    receive: async (queue, options) => {
      const receiver: QueueReceiver = await sound.receive(queue, options);
      return {
        close: () => receiver.close(),
        async *[Symbol.asyncIterator]() {
          for await (const leases of receiver) yield leases.map(change);
        },
      };
    },
  });
};

const cut = (message: RawMessage): RawMessage => ({
  ...message,
  headers: [...new Map(message.headers.map((header) => [header[0], header])).values()],
});

export const DEFECTS: readonly Defect[] = [
  {
    does: "forgets the last message of an append",
    caughtBy: "what append resolved is there",
    streams: (sound) => ({
      append: async (stream, messages, options) => {
        const kept = await sound.append(stream, messages.slice(0, -1), options);
        return [...kept, ...kept.slice(-1)];
      },
    }),
  },
  {
    does: "writes the messages of an append in reverse",
    caughtBy: "messages of one call that fall into one partition keep their order",
    streams: (sound) => ({
      append: async (stream, messages, options) =>
        (await sound.append(stream, messages.toReversed(), options)).toReversed(),
    }),
  },
  {
    does: "chooses partitions in its own way",
    caughtBy: "Java's producer computes",
    streams: (sound) => ({
      append: (stream, messages, options) => {
        return sound.append(stream, messages, { partition: 1, ...options });
      },
    }),
  },
  {
    does: "leaves out a record now and then",
    caughtBy: "a reader that does not ask holds up neither",
    streams: readsWith((batch) => batch.filter(({ offset }) => offset % 997 !== 996)),
  },
  {
    does: "gives records that are not asked for",
    caughtBy: "a read starts at the offset asked for",
    streams: (sound) => ({
      read: (stream, options) => sound.read(stream, { ...options, from: "earliest" }),
    }),
  },
  {
    does: "ignores the size of a batch",
    caughtBy: "no batch is empty or larger",
    streams: (sound) => ({
      read: (stream, options) => sound.read(stream, { ...options, batchCount: 1000 }),
    }),
  },
  {
    does: "finds the record after the moment",
    caughtBy: "the offset of a moment",
    streams: (sound) => ({
      offsetAt: (stream, partition, timeMs) => sound.offsetAt(stream, partition, timeMs + 1),
    }),
  },
  {
    does: "merges headers of one name",
    caughtBy: "lossless, within limits: peculiar keys",
    streams: (sound) => ({
      append: (stream, messages, options) => sound.append(stream, messages.map(cut), options),
    }),
  },
  {
    does: "forgets what a group committed",
    caughtBy: "the next owner resumes at what was committed",
    streams: joinsWith(() => ({ commit: () => Promise.resolve() })),
  },
  {
    does: "takes commits of a former owner for good",
    caughtBy: "a former owner is fenced",
    streams: joinsWith((partition) => ({ commit: (at) => partition.commit(at).catch(() => {}) })),
  },
  {
    does: "keeps the epoch as it is",
    caughtBy: "the epoch grows with every assignment",
    streams: joinsWith(() => ({ epoch: 1 })),
  },
  {
    does: "does not wait for a revoked owner",
    caughtBy: "a revoked owner is waited for",
    streams: (sound) => ({
      joinGroup: (options) =>
        sound.joinGroup({
          ...options,
          run: async (partition) => {
            const revoked = Promise.withResolvers<void>();
            partition.revoked.addEventListener("abort", () => revoked.resolve());
            await Promise.race([options.run(partition), revoked.promise]);
          },
        }),
    }),
  },
  {
    does: "moves a group under its members",
    caughtBy: "a group is not moved while a member owns",
    streams: (sound) => ({ seekGroup: (...to) => sound.seekGroup(...to).catch(() => 0) }),
  },
  {
    does: "does not look at ids",
    caughtBy: "dedupe by id: an id that comes again",
    streams: (sound) => ({
      append: (stream, messages, options) =>
        sound.append(
          stream,
          messages.map((message) => ({ ...message, headers: [] })),
          options,
        ),
    }),
  },
  {
    does: "keeps everything for ever",
    caughtBy: "by count: the oldest go",
    streams: (sound) => ({
      ensureStream: ({ name, partitions }) => sound.ensureStream({ name, partitions }),
    }),
  },
  {
    does: "claims to lack a look-up by time that it has",
    caughtBy: "what is absent is refused by name",
    streams: ({ capabilities }) => ({ capabilities: without(capabilities, "timeLookup") }),
  },
  {
    does: "answers an acceptance and does nothing",
    caughtBy: "a message is leased once, and gone when accepted",
    queues: () => ({
      accept: (leases) => Promise.resolve(leases.map(() => ({ ok: true, value: undefined }))),
    }),
  },
  {
    does: "calls the acceptance of a lost lease a success",
    caughtBy: "an ended lease settles nothing",
    queues: (sound) => ({
      accept: async (leases) => {
        await sound.accept(leases);
        return leases.map(() => ({ ok: true, value: undefined }));
      },
    }),
  },
  {
    does: "hands out twice the credit",
    caughtBy: "never holds more unsettled leases",
    queues: (sound) => ({
      receive: (queue, options) => sound.receive(queue, { ...options, credit: options.credit * 2 }),
    }),
  },
  {
    does: "calls every delivery the first",
    caughtBy: "comes again with its attempt counted",
    queues: leasesWith((lease) => ({ ...lease, attempt: 1 })),
  },
  {
    does: "extends a lease in word only",
    caughtBy: "an extended lease lasts",
    queues: () => ({ extend: async (lease, ms) => ({ ...lease, endsMs: lease.endsMs + ms }) }),
  },
  {
    does: "forgets the delay of a send",
    caughtBy: "a delayed message waits for its moment",
    queues: (sound) => ({
      send: (queue, items) =>
        sound.send(
          queue,
          items.map(({ message }) => ({ message })),
        ),
    }),
  },
  {
    does: "forgets the delay of a release",
    caughtBy: "a release with a delay",
    queues: (sound) => ({ release: (lease) => sound.release(lease) }),
  },
  {
    does: "takes more than its depth",
    caughtBy: "at its depth limit",
    queues: (sound) => ({ ensureQueue: ({ name }) => sound.ensureQueue({ name }) }),
  },
  {
    does: "leases messages of one key at one time",
    caughtBy: "one message of a key is leased at a time",
    queues: (sound) => ({
      ensureQueue: (spec) => sound.ensureQueue({ ...spec, keyOrder: false }),
    }),
  },
  {
    does: "loses the cause of a death",
    caughtBy: "whole and with its cause",
    queues: (sound) => ({
      reject: (lease) => sound.reject(lease, { code: "UNKNOWN", message: "unknown" }),
    }),
  },
  {
    does: "makes a dead letter of what is released at any attempt",
    caughtBy: "enters the dead letters exactly once",
    queues: (sound) => ({
      release: (lease, options) =>
        sound.reject(lease, options?.cause ?? { code: "UNKNOWN", message: "unknown" }),
    }),
  },
  {
    does: "counts dead letters as redriven and leaves them",
    caughtBy: "a redriven message waits again",
    queues: () => ({
      redriveDeadLetters: async (_queue, which) => (which === "all" ? 8 : which.length),
    }),
  },
  {
    does: "claims to lack delays and delays all the same",
    caughtBy: "what is absent is refused by name",
    streams: ({ capabilities }) => ({ capabilities: without(capabilities, "delay") }),
  },
];
