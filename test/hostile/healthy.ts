/** Clients that do nothing wrong: how long they wait for each answer. */

import { setTimeout as after } from "node:timers/promises";
import { text, wireBytes } from "../../src/embedded/log/log-stage.test.ts";
import { Client } from "./client.ts";

const CLIENTS = 4;
/** Between requests: a load that leaves the server time, so that waiting tells of the attack. */
const PAUSE_MS = 2;
const TOPIC = "healthy";

/** The latency that so great a share of the answers stayed below. */
export function percentile(latenciesMs: readonly number[], share: number): number {
  const sorted = latenciesMs.toSorted((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) * share)] ?? 0;
}

export class HealthyClients {
  readonly #clients: readonly Client[];

  private constructor(clients: readonly Client[]) {
    this.#clients = clients;
  }

  static async open(port: number): Promise<HealthyClients> {
    const clients = await Promise.all(Array.from({ length: CLIENTS }, () => Client.open(port)));
    await createTopic(clients[0]!, TOPIC);
    return new HealthyClients(clients);
  }

  /** How long each answer took. Rejects where a request is not answered as it should be. */
  async work(durationMs: number): Promise<readonly number[]> {
    const endsMs = performance.now() + durationMs;
    const taken: number[] = [];
    await Promise.all(
      this.#clients.map(async (client) => {
        while (performance.now() < endsMs) {
          const startedMs = performance.now();
          await produce(client, TOPIC, wireBytes([text("healthy")]));
          taken.push(performance.now() - startedMs);
          await after(PAUSE_MS);
        }
      }),
    );
    return taken;
  }

  close(): void {
    for (const { socket } of this.#clients) socket.destroy();
  }
}

export async function createTopic(client: Client, name: string): Promise<void> {
  await client.ask("Metadata", { topics: [{ name }], allowAutoTopicCreation: true }, 9);
}

export async function produce(client: Client, topic: string, records: Buffer): Promise<void> {
  const topicData = [{ name: topic, partitionData: [{ index: 0, records }] }];
  const { responses } = await client.ask("Produce", { acks: -1, timeoutMs: 10_000, topicData }, 9);
  const errorCode = responses[0]?.partitionResponses[0]?.errorCode;
  if (errorCode !== 0) throw new Error(`produce was answered with ${errorCode}`);
}
