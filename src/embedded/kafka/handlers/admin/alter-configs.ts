/**
 * AlterConfigs replaces all that is set of a topic; IncrementalAlterConfigs changes single configs. Each
 * resource is changed as a whole or not at all.
 */

import { MillraceError } from "../../../../model/errors.ts";
import type { StreamSpec } from "../../../../broker/streams.ts";
import { checkStreamSpec } from "../../../../broker/validate.ts";
import { ERROR } from "../../error-codes.ts";
import type { KafkaBroker } from "../../kafka-broker.ts";
import { checkedConfig, overridesOf, withOverrides } from "../../topics/topic-config.ts";
import { TOPIC_CONFIGS } from "../../topics/topic-config-table.ts";
import type { Call, Handlers } from "../handler.ts";
import { refusal, refusalFor, type Refusal } from "../refusal.ts";
import { findResource, type ResourceName } from "./config-resource.ts";

const OPERATION = { set: 0, delete: 1, append: 2, subtract: 3 } as const;

interface ConfigChange {
  readonly name: string;
  readonly configOperation: number;
  readonly value: string | null;
}

/** What is set after the change, of what was before. */
type Alteration = (before: ReadonlyMap<string, string>) => ReadonlyMap<string, string>;

export function createAlterConfigs(
  broker: KafkaBroker,
): Required<Pick<Handlers, "AlterConfigs" | "IncrementalAlterConfigs">> {
  return {
    AlterConfigs: async ({ resources, validateOnly }, call) => {
      const responses = [];
      for (const { resourceType, resourceName, configs } of resources) {
        const name = { resourceType, resourceName };
        const alteration: Alteration = () => altered(new Map(), configs.map(toSet));
        const circumstances = { call, validateOnly, names: configs.map((config) => config.name) };
        responses.push({ ...name, ...(await alter(broker, name, alteration, circumstances)) });
      }
      return { responses };
    },
    IncrementalAlterConfigs: async ({ resources, validateOnly }, call) => {
      const responses = [];
      for (const { resourceType, resourceName, configs } of resources) {
        const name = { resourceType, resourceName };
        const alteration: Alteration = (before) => altered(before, configs);
        const circumstances = { call, validateOnly, names: configs.map((config) => config.name) };
        responses.push({ ...name, ...(await alter(broker, name, alteration, circumstances)) });
      }
      return { responses };
    },
  };
}

interface Circumstances {
  readonly call: Call;
  readonly validateOnly: boolean;
  /** Of the configs that the request names. */
  readonly names: readonly string[];
}

async function alter(
  broker: KafkaBroker,
  name: ResourceName,
  alteration: Alteration,
  { call, validateOnly, names }: Circumstances,
): Promise<Refusal> {
  const resource = findResource(broker, name, { call, action: "create" });
  if ("errorCode" in resource) return resource;
  if (resource.kind !== "topic") {
    const text = `the broker's configs (${names.join(", ")}) are set where it is started`;
    return refusal(ERROR.INVALID_REQUEST, text);
  }
  if (new Set(names).size < names.length) {
    return refusal(ERROR.INVALID_REQUEST, `the request names a config twice: ${names.join(", ")}`);
  }
  const { topic } = resource;
  const next = (spec: StreamSpec): StreamSpec => {
    const changed = withOverrides(spec, alteration(overridesOf(spec)));
    checkStreamSpec(changed);
    return changed;
  };
  try {
    if (validateOnly) next(topic.spec);
    else await broker.topics.configure(topic.name, next);
    return refusal(ERROR.NONE);
  } catch (error) {
    return refusalFor(error, { BAD_ARGUMENT: ERROR.INVALID_CONFIG });
  }
}

function toSet({ name, value }: Pick<ConfigChange, "name" | "value">): ConfigChange {
  return { name, value, configOperation: OPERATION.set };
}

/** Throws BAD_ARGUMENT naming the config that cannot be changed so. */
function altered(
  before: ReadonlyMap<string, string>,
  changes: readonly ConfigChange[],
): ReadonlyMap<string, string> {
  const after = new Map(before);
  for (const { name, configOperation, value } of changes) {
    if (configOperation === OPERATION.delete) {
      // An unknown one is refused here too.
      checkedConfig(name, TOPIC_CONFIGS.get(name)?.usual ?? "");
      after.delete(name);
      continue;
    }
    if (value === null) throw cannot(name, "has no value");
    if (configOperation === OPERATION.set) {
      after.set(name, checkedConfig(name, value));
      continue;
    }
    if (TOPIC_CONFIGS.get(name)?.type !== "list") {
      throw cannot(name, "is no list: nothing can be appended to it or subtracted from it");
    }
    const items = listOf(after.get(name) ?? TOPIC_CONFIGS.get(name)!.usual);
    const named = listOf(value);
    const rest = items.filter((item) => !named.includes(item));
    if (configOperation === OPERATION.append) {
      const added = named.filter((item) => !items.includes(item));
      after.set(name, checkedConfig(name, [...items, ...added].join(",")));
    } else if (configOperation === OPERATION.subtract) {
      after.set(name, checkedConfig(name, rest.join(",")));
    } else {
      throw cannot(name, `is to be changed by operation ${configOperation}, which is not known`);
    }
  }
  return after;
}

function listOf(value: string): readonly string[] {
  return value
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}

function cannot(name: string, why: string): MillraceError {
  return new MillraceError("BAD_ARGUMENT", `${name} ${why}`, { details: { config: name } });
}
