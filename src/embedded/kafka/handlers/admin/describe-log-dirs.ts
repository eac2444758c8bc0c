/** DescribeLogDirs: what each partition takes on the disk. */

import { ERROR } from "../../error-codes.ts";
import type { KafkaBroker } from "../../kafka-broker.ts";
import type { Handler } from "../handler.ts";

export function createDescribeLogDirs({ engine, topics }: KafkaBroker): Handler<"DescribeLogDirs"> {
  return async ({ topics: asked }, call) => {
    if (!call.may("read", "broker", "broker")) {
      return { errorCode: ERROR.CLUSTER_AUTHORIZATION_FAILED };
    }
    const wanted = asked && new Map(asked.map(({ topic, partitions }) => [topic, partitions]));
    const found = topics
      .all()
      .filter(({ name }) => wanted?.has(name) ?? true)
      .map(({ name, partitions }) => ({
        name,
        partitions: partitions
          .map(({ bytes }, partitionIndex) => ({ partitionIndex, partitionSize: bytes }))
          .filter(({ partitionIndex }) => wanted?.get(name)?.includes(partitionIndex) ?? true),
      }));
    const usableBytes = Math.min(await engine.freeBytes(), Number.MAX_SAFE_INTEGER);
    return { results: [{ logDir: engine.directory, topics: found, usableBytes }] };
  };
}
