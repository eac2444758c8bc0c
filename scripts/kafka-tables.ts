/**
 * Makes the Kafka codec's field tables: `npm run kafka-tables [-- FOLDER]`.
 *
 * FOLDER holds Apache Kafka's message definitions (JSON with comments; by default
 * ../shared/spec/kafka-messages). Only facts are taken: names, types, versions, nullability, tags,
 * defaults. What is written to src/embedded/kafka/codec/generated is committed, so nothing that we
 * ship reads the definitions, and the same definitions give the same bytes.
 *
 * To add an API: its name in `APIS`, then the versions that we serve in src/embedded/kafka/codec/api-keys.ts.
 */

import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { camelCase, renderModule, type Spec } from "./kafka-tables/render-module.ts";
import { renderApis, type ApiEntry } from "./kafka-tables/render-apis.ts";
import { renderEveryApi, type DefinedApi } from "./kafka-tables/render-every-api.ts";

/** Each has a request and a response, and becomes one file. */
const APIS = [
  "Produce",
  "Fetch",
  "ListOffsets",
  "Metadata",
  "OffsetCommit",
  "OffsetFetch",
  "FindCoordinator",
  "JoinGroup",
  "Heartbeat",
  "LeaveGroup",
  "SyncGroup",
  "DescribeGroups",
  "ListGroups",
  "SaslHandshake",
  "ApiVersions",
  "CreateTopics",
  "DeleteTopics",
  "DeleteRecords",
  "InitProducerId",
  "OffsetForLeaderEpoch",
  "AddPartitionsToTxn",
  "AddOffsetsToTxn",
  "EndTxn",
  "TxnOffsetCommit",
  "DescribeConfigs",
  "AlterConfigs",
  "DescribeLogDirs",
  "SaslAuthenticate",
  "CreatePartitions",
  "DeleteGroups",
  "IncrementalAlterConfigs",
  "OffsetDelete",
  "DescribeCluster",
  "DescribeProducers",
  "DescribeTransactions",
  "ListTransactions",
  "DescribeTopicPartitions",
] as const;

/** Messages that are no API of their own, by file. */
const OTHERS: Readonly<Record<string, readonly string[]>> = {
  header: ["RequestHeader", "ResponseHeader"],
  "consumer-protocol": ["ConsumerProtocolSubscription", "ConsumerProtocolAssignment"],
  "end-txn-marker": ["EndTxnMarker"],
};

export const DEFINITIONS = join("..", "shared", "spec", "kafka-messages");
export const GENERATED = join("src", "embedded", "kafka", "codec", "generated");

/** Comments begin with two slashes, which also occur inside strings. */
function parseWithComments(text: string): Spec {
  return JSON.parse(
    text.replaceAll(/"(?:[^"\\]|\\.)*"|\/\/.*/g, (token) => (token.startsWith("/") ? "" : token)),
  );
}

/** What a request's definition says of it; undefined for one that Kafka has given up. */
function definedApi(spec: Spec): DefinedApi | undefined {
  const { apiKey: key, name, listeners = [], validVersions: versions } = spec;
  if (key === undefined || versions === "none") return undefined;
  return {
    name: name.replace(/Request$/, ""),
    key,
    versions,
    flexible: spec.flexibleVersions,
    lastUnstable: spec.latestVersionUnstable === true,
    controllersOnly: !listeners.includes("broker"),
  };
}

function kebabCase(name: string): string {
  return name.replaceAll(/(?<=[a-z])(?=[A-Z])/g, "-").toLowerCase();
}

/** Writes every table below `target`, formatted as the rest of the tree. */
export function generateTables(definitions: string, target: string): void {
  const read = (name: string): Spec =>
    parseWithComments(readFileSync(join(definitions, `${name}.json`), "utf8"));
  const files = new Map<string, string>();
  const entries: ApiEntry[] = [];
  for (const name of APIS) {
    const [request, response] = [read(`${name}Request`), read(`${name}Response`)];
    files.set(kebabCase(name), renderModule([request, response]));
    entries.push({ name, key: request.apiKey!, file: kebabCase(name), tables: camelCase(name) });
  }
  for (const [file, names] of Object.entries(OTHERS)) {
    files.set(file, renderModule(names.map(read)));
  }
  files.set("apis", renderApis(entries));
  const requests = readdirSync(definitions).filter((file) => file.endsWith("Request.json"));
  const defined = requests.map((file) => definedApi(read(basename(file, ".json"))));
  files.set("every-api", renderEveryApi(defined.filter((api) => api !== undefined)));

  rmSync(target, { recursive: true, force: true });
  mkdirSync(target, { recursive: true });
  for (const [file, text] of files) writeFileSync(join(target, `${file}.ts`), text);
  const formatter = join("node_modules", ".bin", "oxfmt");
  const { status, stderr, error } = spawnSync(formatter, ["-c", ".oxfmtrc.json", target], {
    encoding: "utf8",
  });
  if (status !== 0)
    throw new Error(`${formatter} failed on ${target}: ${error?.message ?? stderr}`);
}

if (import.meta.main) {
  const [definitions = DEFINITIONS] = process.argv.slice(2);
  generateTables(definitions, GENERATED);
  console.log(`${GENERATED}: ${APIS.length} APIs`);
}
