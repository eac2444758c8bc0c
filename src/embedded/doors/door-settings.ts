/** The settings of a door, checked before anything is opened. */

import {
  UNDELIVERABLE_MS_MAX,
  type AmqpDoorSettings,
  type DoorProtocol,
  type KafkaDoorSettings,
  type ListenSettings,
} from "../../broker/doors.ts";
import { MillraceError } from "../../model/errors.ts";
import { LIMITS } from "../../model/limits.ts";

const LISTEN_KEYS = ["port", "host", "tls", "advertised"];
const KEYS: Readonly<Record<DoorProtocol, readonly string[]>> = {
  kafka: [...LISTEN_KEYS, "autoCreate", "partitions"],
  amqp: [...LISTEN_KEYS, "autoCreate", "expired", "undeliverableMs"],
};
const TLS_KEYS = ["key", "cert", "ca", "passphrase"];
const ADVERTISED_KEYS = ["host", "port"];

const PORT_MAX = 65_535;

/** Throws BAD_CONFIG for an unknown key or a value that is none. */
export function checkDoorSettings(
  door: DoorProtocol,
  settings: KafkaDoorSettings & AmqpDoorSettings,
): void {
  knownKeys(door, settings, KEYS[door]);
  checkListen(door, settings);
  const { autoCreate, partitions, expired, undeliverableMs } = settings;
  if (autoCreate !== undefined && typeof autoCreate !== "boolean") {
    throw badConfig(`${door}.autoCreate`, "must be true or false");
  }
  if (expired !== undefined && expired !== "dead-letter" && expired !== "drop") {
    throw badConfig(`${door}.expired`, "must be dead-letter or drop");
  }
  if (partitions !== undefined) {
    checkWhole(`${door}.partitions`, partitions, [1, LIMITS.partitionsMax]);
  }
  if (undeliverableMs !== undefined) {
    checkWhole(`${door}.undeliverableMs`, undeliverableMs, [0, UNDELIVERABLE_MS_MAX]);
  }
}

function checkListen(door: DoorProtocol, { port, host, tls, advertised }: ListenSettings): void {
  checkWhole(`${door}.port`, port, [0, PORT_MAX]);
  if (host !== undefined) checkText(`${door}.host`, host);
  if (tls !== undefined) {
    knownKeys(`${door}.tls`, tls, TLS_KEYS);
    checkText(`${door}.tls.key`, tls.key);
    checkText(`${door}.tls.cert`, tls.cert);
    if (tls.ca !== undefined) checkText(`${door}.tls.ca`, tls.ca);
    if (tls.passphrase !== undefined) checkText(`${door}.tls.passphrase`, tls.passphrase);
  }
  if (advertised !== undefined) {
    knownKeys(`${door}.advertised`, advertised, ADVERTISED_KEYS);
    checkText(`${door}.advertised.host`, advertised.host);
    if (advertised.port !== undefined) {
      checkWhole(`${door}.advertised.port`, advertised.port, [1, PORT_MAX]);
    }
  }
}

/** Throws BAD_CONFIG where other machines would reach a door that has no TLS, or asks nobody. */
export function requireSafe(
  door: DoorProtocol,
  { host = "127.0.0.1", tls }: ListenSettings,
  signsIn: boolean,
): void {
  if (isLoopback(host) || (tls !== undefined && signsIn)) return;
  const missing = [
    ...(tls === undefined ? [`${door}: { tls: { key, cert } }`] : []),
    ...(signsIn ? [] : ["signIn, as passwords({ users }) makes one"]),
  ];
  throw new MillraceError(
    "BAD_CONFIG",
    `the ${door} door cannot listen on ${host}: other machines would reach it; set ${missing.join(" and ")}, or listen on 127.0.0.1`,
    { details: { key: `${door}.host`, host } },
  );
}

/** Whether only this machine can use the address. */
function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}

function knownKeys(path: string, value: object, known: readonly string[]): void {
  if (typeof value !== "object" || value === null) {
    throw badConfig(path, `must be an object with ${known.join(", ")}`);
  }
  for (const key of Object.keys(value)) {
    if (known.includes(key)) continue;
    throw badConfig(`${path}.${key}`, `is not a known key; ${path} has ${known.join(", ")}`);
  }
}

function checkWhole(path: string, value: unknown, [min, max]: readonly [number, number]): void {
  if (Number.isInteger(value) && Number(value) >= min && Number(value) <= max) return;
  throw badConfig(path, `must be a whole number from ${min} to ${max}`);
}

function checkText(path: string, text: unknown): void {
  if (typeof text !== "string" || text === "") {
    throw badConfig(path, "must be a text that is not empty");
  }
}

function badConfig(path: string, problem: string): MillraceError {
  return new MillraceError("BAD_CONFIG", `${path} ${problem}`, { details: { key: path } });
}
