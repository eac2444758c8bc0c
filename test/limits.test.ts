/**
 * Limits of the doors that pages written by hand name: whoever changes one is told which sentence still
 * says the old number. (docs/protocols.md takes them from the code.)
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { LIMITS as AMQP } from "../src/embedded/amqp/settings.ts";
import {
  CONNECTION_LIMITS as CLIENT,
  DOOR_LIMITS as DOOR,
} from "../src/embedded/kafka/server/limits.ts";
import { BATCH_BYTES_MAX } from "../src/embedded/log/format/batch-layout.ts";

const kib = (bytes: number): string => `${bytes / 1024} KiB`;
const mib = (bytes: number): string => `${bytes / 1024 / 1024} MiB`;
const seconds = (ms: number): string => `${ms / 1000} s`;
const count = (many: number): string => many.toLocaleString("en");

const SENTENCES: Readonly<Record<string, readonly string[]>> = {
  "docs/security.md": [
    `| a frame | ${kib(CLIENT.strangerFrameBytesMax)} | ${mib(CLIENT.frameBytesMax)} to produce, ${mib(CLIENT.groupFrameBytesMax)} to join a group, ${mib(CLIENT.otherFrameBytesMax)} otherwise |`,
    `| time to sign in, or to the first request | ${seconds(CLIENT.firstRequestMs)} |`,
    `| ${seconds(CLIENT.stalledMs)}; ${seconds(CLIENT.stalledShortMs)} while others wait for memory`,
    `| silence | ${seconds(CLIENT.firstRequestMs)} | ${CLIENT.idleMs / 60_000} minutes |`,
    `| requests that wait | ${CLIENT.requestsMax}, and ${mib(CLIENT.requestBytesMax)} |`,
    `All connections of the Kafka door together hold ${mib(DOOR.bytesMax)}:`,
    `A search of a partition by time holds the largest batch there can be, ${mib(BATCH_BYTES_MAX)},`,
    `at most ${count(DOOR.connectionsMax)} connections`,
    `at most ${AMQP.sessionsMax} sessions and ${count(AMQP.linksMax)} links, frames of ${kib(AMQP.frameBytesMax)} and messages of ${mib(AMQP.messageBytesMax)}`,
    `while ${mib(AMQP.incomingBytesMax)} of its messages wait for the disk`,
    `sent nothing more while ${mib(AMQP.unsentBytesMax)} are unread`,
    `Of messages that are not whole it may have ${mib(AMQP.unfinishedBytesMax)};`,
    `After ${AMQP.turnMax} frames`,
    `All connections of the AMQP door together hold ${mib(AMQP.bytesMax)}:`,
    `at most ${count(AMQP.connectionsMax)} connections, and ${count(AMQP.doorLinksMax)} links on all of them.`,
  ],
  "CHANGELOG.md": [
    `requests of Kafka clients other than writes and a group's have at most ${mib(CLIENT.otherFrameBytesMax)}`,
  ],
  "docs/amqp.md": [
    `Per connection ${AMQP.sessionsMax} sessions, ${count(AMQP.linksMax)} links, ${seconds(AMQP.handshakeMs)} to its open frame, ${seconds(2 * AMQP.idleMs)} of silence`,
    `per session ${count(AMQP.unsettledMax)} unsettled deliveries; frames of ${kib(AMQP.frameBytesMax)}, messages of ${mib(AMQP.messageBytesMax)}; ${count(AMQP.connectionsMax)} connections`,
    `lets ${mib(AMQP.unsentBytesMax)} wait for a minute`,
  ],
};

test("pages name the limits that hold", () => {
  const stale = Object.entries(SENTENCES).flatMap(([page, sentences]) => {
    const text = readFileSync(page, "utf8");
    return sentences.filter((sentence) => !text.includes(sentence)).map((it) => `${page}: ${it}`);
  });
  assert.deepEqual(stale, []);
  assert.equal(AMQP.stalledMs, 60_000, "docs/amqp.md and docs/security.md say a minute");
});
