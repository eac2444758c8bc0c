/** Every case, in the order in which they run. */

import type { ClientCase } from "../client-case.ts";
import { ADMIN } from "./admin.ts";
import { AMQP } from "./amqp.ts";
import { COMING_AND_GOING } from "./coming-and-going.ts";
import { CONFLUENT } from "./confluent.ts";
import { DUMP_LOG } from "./dump-log.ts";
import { GROUPS } from "./groups.ts";
import { KAFKA_STREAMS } from "./kafka-streams.ts";
import { KAFKA_TOOLS } from "./kafka-tools.ts";
import { KAFKAJS } from "./kafkajs.ts";
import { KCAT } from "./kcat.ts";
import { PLATFORMATIC } from "./platformatic.ts";
import { SECURITY } from "./security.ts";

export const CASES: readonly ClientCase[] = [
  ...KAFKAJS,
  ...PLATFORMATIC,
  ...KCAT,
  ...CONFLUENT,
  ...KAFKA_TOOLS,
  ...ADMIN,
  ...GROUPS,
  ...COMING_AND_GOING,
  ...SECURITY,
  ...KAFKA_STREAMS,
  ...AMQP,
  ...DUMP_LOG,
];
