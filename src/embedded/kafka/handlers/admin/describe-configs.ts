/** DescribeConfigs: all configs of a topic or of the broker, with where their values come from. */

import type { DescribeConfigsRequest } from "../../codec/generated/describe-configs.ts";
import { ERROR } from "../../error-codes.ts";
import type { KafkaBroker } from "../../kafka-broker.ts";
import {
  listBrokerConfigs,
  listTopicConfigs,
  type ListedConfig,
} from "../../topics/config-listing.ts";
import { firstOfEach } from "../asked-once.ts";
import type { Handler } from "../handler.ts";
import { refusal } from "../refusal.ts";
import { findResource, type ConfigResource } from "./config-resource.ts";

const distinct = (resources: DescribeConfigsRequest["resources"]): typeof resources =>
  firstOfEach(resources, ({ resourceType, resourceName }) => `${resourceType} ${resourceName}`);

export function createDescribeConfigs(broker: KafkaBroker): Handler<"DescribeConfigs"> {
  const listOf = (resource: ConfigResource): readonly ListedConfig[] => {
    if (resource.kind === "topic") return listTopicConfigs(resource.topic.spec);
    return resource.kind === "broker" ? listBrokerConfigs(broker) : [];
  };
  return ({ resources, includeSynonyms }: DescribeConfigsRequest, call) => ({
    results: distinct(resources).map(({ resourceType, resourceName, configurationKeys }) => {
      const name = { resourceType, resourceName };
      const resource = findResource(broker, name, { call, action: "read" });
      if ("errorCode" in resource) return { ...name, ...resource };
      const wanted = configurationKeys && new Set(configurationKeys);
      const configs = listOf(resource)
        .filter((config) => wanted?.has(config.name) ?? true)
        .map((config) => ({
          name: config.name,
          value: config.value,
          readOnly: config.readOnly,
          configSource: config.source,
          isSensitive: false,
          configType: config.type,
          documentation: null,
          synonyms: includeSynonyms ? config.synonyms : [],
        }));
      return { ...name, ...refusal(ERROR.NONE), configs };
    }),
  });
}
