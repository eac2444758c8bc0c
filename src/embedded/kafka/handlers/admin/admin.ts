/** The requests of those who administer topics, configs and the cluster. */

import type { KafkaBroker } from "../../kafka-broker.ts";
import type { Handlers } from "../handler.ts";
import { createAlterConfigs } from "./alter-configs.ts";
import { createCreatePartitions } from "./create-partitions.ts";
import { createCreateTopics } from "./create-topics.ts";
import { createDeleteRecords } from "./delete-records.ts";
import { createDeleteTopics } from "./delete-topics.ts";
import { createDescribeCluster } from "./describe-cluster.ts";
import { createDescribeConfigs } from "./describe-configs.ts";
import { createDescribeLogDirs } from "./describe-log-dirs.ts";
import { createDescribeTopicPartitions } from "./describe-topic-partitions.ts";

export function createAdminHandlers(broker: KafkaBroker): Handlers {
  return {
    CreateTopics: createCreateTopics(broker),
    DeleteTopics: createDeleteTopics(broker),
    CreatePartitions: createCreatePartitions(broker),
    DeleteRecords: createDeleteRecords(broker),
    DescribeConfigs: createDescribeConfigs(broker),
    ...createAlterConfigs(broker),
    DescribeCluster: createDescribeCluster(broker),
    DescribeLogDirs: createDescribeLogDirs(broker),
    DescribeTopicPartitions: createDescribeTopicPartitions(broker),
  };
}
