/** A broker in memory, and the way into it that hosts hand to connectors. */

import { createAdmin } from "../admin/create-admin.ts";
import { decodeEnvelope } from "../codecs/cloudevents-reader.ts";
import { memoryBroker } from "../memory/broker.ts";
import type { Envelope } from "../model/envelope.ts";
import type { StreamDeclaration } from "../schema/declaration.ts";
import { createRegistry } from "../schema/registry.ts";
import type { PublishInbound } from "../service/inbound.ts";
import { createTestEnvironment, type TestEnvironment } from "../testing/environment.ts";

export interface Landed {
  readonly envelope: Envelope;
  readonly dataJson: string;
}

export interface InboundStage {
  readonly environment: TestEnvironment;
  readonly publish: PublishInbound;
  /** Everything of the stream, which has one partition. */
  landed(): Promise<readonly Landed[]>;
}

export async function openInbound(stream: StreamDeclaration): Promise<InboundStage> {
  const environment = createTestEnvironment();
  const { streams, queues } = await memoryBroker().open(environment);
  const { name, partitions, retention, durability, dedupe } = stream;
  await streams!.ensureStream({ name, partitions, retention, durability, dedupe });
  const registry = createRegistry([stream]);
  const admin = createAdmin({ streams, queues, services: () => [], registry, environment });
  return {
    environment,
    publish: (messages) => admin.publish(messages),
    landed: async () => {
      const landed: Landed[] = [];
      const everything = { partition: 0, from: { offset: 0 } };
      for await (const records of streams!.read(name, everything)) {
        for (const record of records) {
          const envelope = decodeEnvelope(record, { receivedMs: 0 });
          landed.push({ envelope, dataJson: Buffer.from(record.value!).toString() });
        }
      }
      return landed;
    },
  };
}
