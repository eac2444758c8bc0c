/** What configs belong to, as the protocol names it: a kind and a name. */

import { ERROR } from "../../error-codes.ts";
import { NODE_ID, type KafkaBroker } from "../../kafka-broker.ts";
import type { Topic } from "../../topics/topics.ts";
import type { Call } from "../handler.ts";
import { refusal, type Refusal } from "../refusal.ts";

const KIND = { topic: 2, broker: 4 } as const;

export interface ResourceName {
  readonly resourceType: number;
  readonly resourceName: string;
}

/** `allBrokers`: what would hold for each broker that has nothing of its own. */
export type ConfigResource =
  | { readonly kind: "topic"; readonly topic: Topic }
  | { readonly kind: "broker" | "allBrokers" };

/** The resource, or why the client cannot have it. */
export function findResource(
  { topics }: KafkaBroker,
  { resourceType, resourceName: name }: ResourceName,
  { call, action }: { readonly call: Call; readonly action: "read" | "create" },
): ConfigResource | Refusal {
  if (resourceType === KIND.topic) {
    if (!call.may(action, "stream", name)) return refusal(ERROR.TOPIC_AUTHORIZATION_FAILED);
    const topic = topics.find(name);
    if (topic !== undefined) return { kind: "topic", topic };
    return refusal(ERROR.UNKNOWN_TOPIC_OR_PARTITION, `there is no topic ${name}`);
  }
  if (resourceType !== KIND.broker) {
    const text = `resources of type ${resourceType} have no configs here; topics and the broker have`;
    return refusal(ERROR.INVALID_REQUEST, text);
  }
  if (!call.may(action, "broker", "broker")) return refusal(ERROR.CLUSTER_AUTHORIZATION_FAILED);
  if (name === "") return { kind: "allBrokers" };
  if (name === String(NODE_ID)) return { kind: "broker" };
  return refusal(ERROR.INVALID_REQUEST, `there is no broker ${name}; the only one is ${NODE_ID}`);
}
