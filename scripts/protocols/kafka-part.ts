/** The part of docs/protocols.md on Kafka. */

import { SERVED, type ServedVersions } from "../../src/embedded/kafka/codec/api-keys.ts";
import type { ApiName } from "../../src/embedded/kafka/codec/generated/apis.ts";
import { EVERY_API, type DefinedApi } from "../../src/embedded/kafka/codec/generated/every-api.ts";
import { DIFFERENCES, UNSERVED } from "../../src/embedded/kafka/differences.ts";
import { TOPIC_CONFIGS } from "../../src/embedded/kafka/topics/topic-config-table.ts";
import { list, table } from "./markdown.ts";

export function kafkaPart(): string {
  const served = EVERY_API.filter(({ name }) => isServed(name));
  const controllers = EVERY_API.filter(({ controllersOnly }) => controllersOnly);
  const versions = served.map((api) => {
    const told = isServed(api.name) ? SERVED[api.name] : undefined;
    return [
      String(api.key),
      linked(api.name),
      servedText(told!),
      definedText(api),
      flexibleText(api),
    ];
  });
  return `## Kafka

Streams are topics. The peer that everything is compared with is Apache Kafka 4.3.1 as one broker with its defaults. Versions are those of its message definitions; every one in the range is read and written field by field, flexible or not. A request of another key or version ends the connection, as Kafka does it; an ApiVersions request of an unknown version is answered in version 0 with UNSUPPORTED_VERSION.

### What is served

${served.length} requests.

${table(["key", "request", "served", "Kafka 4.3.1", "flexible from"], versions)}

### What is different

Whatever the request:

${list(DIFFERENCES.all ?? [])}

${served.map(differencesOf).join("")}### A topic's configs

*acts*: the broker does what it says. *kept*: it is stored and told again, and changes nothing.

${table(
  ["config", "default here", "effect"],
  [...TOPIC_CONFIGS.values()].map(({ name, usual, effect }) => [
    `\`${name}\``,
    usual === "" ? "(empty)" : `\`${usual}\``,
    effect,
  ]),
)}

### What is not served

${table(["key", "request", "Kafka 4.3.1", "why"], unservedRows())}

Asked of Kafka's controllers alone, and of no broker: ${controllers.map(({ name, key }) => `${name} (${key})`).join(", ")}.
`;
}

function isServed(name: string): name is ApiName {
  return Object.hasOwn(SERVED, name);
}

function linked(name: string): string {
  const told = isServed(name) && DIFFERENCES[name] !== undefined;
  return told ? `[${name}](#${name.toLowerCase()})` : name;
}

function servedText({ min, max, advertisedMin }: ServedVersions): string {
  const range = rangeOf(min, max);
  return advertisedMin === undefined ? range : `${range}, told as ${rangeOf(advertisedMin, max)}`;
}

function rangeOf(min: number, max: number): string {
  return min === max ? String(min) : `${min}–${max}`;
}

function definedText({ versions, lastUnstable, name }: DefinedApi): string {
  const range = versions.replace("-", "–");
  if (lastUnstable) return `${range}, the last not stable`;
  return name === "Produce" ? `${range}, told as 0–${range.split("–")[1]}` : range;
}

function flexibleText({ flexible }: DefinedApi): string {
  return flexible === "none" ? "never" : flexible.replace("+", "");
}

function differencesOf({ name }: DefinedApi): string {
  const told = isServed(name) ? DIFFERENCES[name] : undefined;
  return told === undefined ? "" : `#### ${name}\n\n${list(told)}\n\n`;
}

/** Throws where a request of Kafka's brokers is neither served nor told why not. */
function unservedRows(): string[][] {
  return EVERY_API.filter(({ name, controllersOnly }) => !isServed(name) && !controllersOnly).map(
    (api) => {
      const entry = UNSERVED.find(({ apis }) => apis.includes(api.name));
      if (entry === undefined)
        throw new Error(`UNSERVED does not say why ${api.name} is not served`);
      return [String(api.key), api.name, definedText(api), entry.why];
    },
  );
}
