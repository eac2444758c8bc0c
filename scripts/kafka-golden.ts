/**
 * Makes test/kafka-golden/messages.ndjson.gz: what Kafka's own classes write for every message and
 * version of our tables; batches.ndjson.gz beside it: record batches in each of Kafka's codecs; and
 * producers.txt.gz: what Kafka's ProducerStateManager says of random batches and markers.
 * `node scripts/kafka-golden.ts`; needs Java 17 and Maven, which fetches Kafka's libraries of the version
 * that the pom names. To be run again only when tables are added or follow a newer Kafka.
 */

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { API_TABLES } from "../src/embedded/kafka/codec/generated/apis.ts";
import {
  consumerProtocolAssignment,
  consumerProtocolSubscription,
} from "../src/embedded/kafka/codec/generated/consumer-protocol.ts";
import { endTxnMarker } from "../src/embedded/kafka/codec/generated/end-txn-marker.ts";
import { requestHeader, responseHeader } from "../src/embedded/kafka/codec/generated/header.ts";

const FOLDER = join("test", "kafka-golden");
const OUTPUT_BYTES_MAX = 256 * 1024 * 1024;

const names = [
  ...Object.values(API_TABLES).flatMap(({ request, response }) => [request.name, response.name]),
  ...[requestHeader, responseHeader, consumerProtocolSubscription, consumerProtocolAssignment].map(
    ({ name }) => name,
  ),
  endTxnMarker.name,
];

const work = mkdtempSync(join(tmpdir(), "millrace-kafka-golden-"));
try {
  const library = join(work, "lib");
  const classPath = `${join(library, "*")}:${work}`;
  const copy = ["dependency:copy-dependencies", `-DoutputDirectory=${library}`];
  execFileSync("mvn", ["-q", "-B", "-f", join(FOLDER, "pom.xml"), ...copy], { stdio: "inherit" });
  const make = (program: string, programArguments: readonly string[], file: string): void => {
    const source = join(FOLDER, `${program.split(".").at(-1)!}.java`);
    execFileSync("javac", ["-encoding", "UTF-8", "-cp", classPath, "-d", work, source]);
    const lines = execFileSync("java", ["-cp", classPath, program, ...programArguments], {
      maxBuffer: OUTPUT_BYTES_MAX,
    });
    const target = join(FOLDER, file);
    writeFileSync(target, gzipSync(lines, { level: 9 }));
    console.log(`${target}: ${lines.toString().split("\n").length - 1} lines`);
  };
  make("GoldenMessages", names, "messages.ndjson.gz");
  make("GoldenBatches", [], "batches.ndjson.gz");
  // What it asks is open to its own package only.
  make("org.apache.kafka.storage.internals.log.GoldenProducers", ["8", "250"], "producers.txt.gz");
} finally {
  rmSync(work, { recursive: true });
}
