/** All attacks, by name. */

import { AMQP_ATTACKS } from "./amqp-attacks.ts";
import type { Attack } from "./attack.ts";
import { KAFKA_ATTACKS } from "./kafka-attacks.ts";

export const ATTACKS: Readonly<Record<string, Attack>> = { ...KAFKA_ATTACKS, ...AMQP_ATTACKS };
