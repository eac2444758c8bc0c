/** What `openApp` takes, and the check of it that runs before anything is opened. */

import type { BrokerFactory } from "../broker/broker.ts";
import {
  UNDELIVERABLE_MS_MAX,
  type AmqpDoorSettings,
  type KafkaDoorSettings,
} from "../broker/doors.ts";
import { checkRules, type Rule } from "../broker/rules.ts";
import type { SignIn } from "../broker/sign-in.ts";
import { MillraceError } from "../model/errors.ts";
import type { Environment, Log } from "../model/environment.ts";
import { LIMITS } from "../model/limits.ts";
import type { ContractLock } from "../schema/contract-lock.ts";
import type { Source, WebhookReceiver } from "../service/inbound.ts";
import type { Service } from "../service/part.ts";
import type { BatchSettings } from "../service/publisher.ts";
import { refuseContradictions } from "../service/refusal.ts";
import type { StoreFactory } from "../store/store.ts";
import type { LogFormat, LogLevel } from "./logger.ts";
import {
  callable,
  fail,
  flag,
  integer,
  listOf,
  objectWith,
  oneOf,
  shape,
  text,
  type Check,
} from "./settings/settings.ts";

/** The HTTP door; on the loopback address only. */
export interface DoorSettings {
  /** 0 takes any free port. */
  readonly port?: number;
  /** Who shows it may do everything; at least 16 characters, a random one unless said. */
  readonly token?: string;
  /** Names under which a proxy or tunnel in front reaches the door, beside those of loopback. */
  readonly hosts?: readonly string[];
  /** What is received below `/hooks/`. */
  readonly webhooks?: readonly WebhookReceiver[];
}

export interface LogSettings {
  readonly level?: LogLevel;
  readonly format?: LogFormat;
}

export interface AppOptions {
  readonly services: readonly Service[];
  /** What is read into streams and queues from outside, for as long as the app is open: files. */
  readonly sources?: readonly Source[];
  /** For streams and queues both. */
  readonly broker?: BrokerFactory;
  /** For streams alone; goes before `broker`. */
  readonly streams?: BrokerFactory;
  /** For queues alone; goes before `broker`. */
  readonly queues?: BrokerFactory;
  /**
   * Puts all streams, queues and groups of this program into a namespace of the broker, so that it meets
   * no other program there; see `inNamespace`.
   */
  readonly namespace?: string;
  /** Opens each service's own database. */
  readonly store: StoreFactory;
  /**
   * Without `batch` a publish waits for nothing but a send under way; with it the first of a batch may
   * wait `maxMs` for company. Either way a call resolves when its own messages are durable.
   */
  readonly publish?: { readonly batch?: BatchSettings };
  /** Opens the door; absent or false, there is none. */
  readonly http?: DoorSettings | false;
  /** Lets Kafka clients into the broker; `false` opens none, whatever the broker's own settings say. */
  readonly kafka?: KafkaDoorSettings | false;
  /** Lets AMQP 1.0 clients into the broker; as `kafka`. */
  readonly amqp?: AmqpDoorSettings | false;
  /**
   * Who may come in, by any door. Without it nobody comes in by HTTP but whoever has the token, and by
   * the broker's doors whoever is on this machine; with it nobody whom it does not know.
   */
  readonly signIn?: SignIn;
  /** What those may do, behind any door; nothing unless said. */
  readonly rules?: readonly Rule[];
  /** A log, or how the usual one shall be. */
  readonly log?: Log | LogSettings;
  /**
   * `shadow` runs the consumers and views of all services, or of those named, beside the live ones:
   * under names of their own (`shadow.NAME`), answered from the live journal, sending nothing.
   */
  readonly effects?: EffectSetting | Readonly<Record<string, EffectSetting>>;
  /** How long the recorded answers of effects are kept; 30 days unless said. */
  readonly effectRetentionMs?: number;
  /** How long `close` lets work finish before it is aborted; 10,000 unless said. */
  readonly stopMs?: number;
  /**
   * The committed contract lock, or the path of its file, `contracts.lock.json`: a start that would
   * break a reader is refused, with the readers. Not looked at unless given.
   */
  readonly contracts?: string | ContractLock;
  /**
   * What becomes of a start that would break a service that announced itself on this broker before:
   * refused, with its name, unless this says `warn`.
   */
  readonly contractBreaks?: "refuse" | "warn";
  /** Time, randomness and ids for a test or a simulation; the real ones unless said. */
  readonly environment?: Environment;
}

export type EffectSetting = "live" | "shadow";

export const STOP_MS_DEFAULT = 10_000;

const factory = objectWith(
  ["adapter", "open"],
  "pass what embedded(), memory() or sqlite() returns",
);

const batchShape = shape({
  maxMs: integer(0, 60_000),
  maxCount: integer(1, 10_000),
  maxBytes: integer(1, 64 * 1024 * 1024),
});

const PORT_MAX = 65_535;

const doorShape = shape({
  port: integer(0, PORT_MAX),
  token: text,
  hosts: listOf(text),
  webhooks: listOf(objectWith(["name", "path", "handle"], "pass what webhookIn() returns")),
});

const listenKeys: Readonly<Record<string, Check>> = {
  port: integer(0, PORT_MAX),
  host: text,
  tls: shape({ key: text, cert: text, ca: text, passphrase: text }, ["key", "cert"]),
  advertised: shape({ host: text, port: integer(1, PORT_MAX) }, ["host"]),
  autoCreate: flag,
};

const kafkaShape = shape({ ...listenKeys, partitions: integer(1, LIMITS.partitionsMax) }, ["port"]);

const amqpShape = shape(
  {
    ...listenKeys,
    expired: oneOf("dead-letter", "drop"),
    undeliverableMs: integer(0, UNDELIVERABLE_MS_MAX),
  },
  ["port"],
);

const unlessFalse =
  (check: Check): Check =>
  (value, path) => {
    if (value !== false) check(value, path);
  };

const ruleList: Check = (value, path) => {
  listOf(objectWith(["principal", "actions", "resources"], "a rule has these three"))(value, path);
  if (Array.isArray(value)) checkRules(value);
};

const log: Check = (value, path) => {
  if (typeof value === "object" && value !== null && "warn" in value) {
    objectWith(["debug", "info", "warn", "error"], "a log has these four methods")(value, path);
  } else {
    shape({ level: oneOf("debug", "info", "warn", "error"), format: oneOf("text", "json") })(
      value,
      path,
    );
  }
};

const effects: Check = (value, path) => {
  const setting = oneOf("live", "shadow");
  if (typeof value !== "object" || value === null) return setting(value, path);
  for (const [service, each] of Object.entries(value)) setting(each, `${path}.${service}`);
};

const contracts: Check = (value, path) => {
  if (typeof value === "string") return text(value, path);
  objectWith(["types", "channels"], "pass a contract lock, or the path of its file")(value, path);
};

/** The keys that a configuration file shares with `openApp`. */
export const SHARED_KEYS: Readonly<Record<string, Check>> = {
  services: listOf(objectWith(["name", "parts"], "pass what service() returns")),
  sources: listOf(objectWith(["name", "to", "run"], "pass what fileSource() returns")),
  broker: factory,
  streams: factory,
  queues: factory,
  namespace: text,
  store: factory,
  publish: shape({ batch: batchShape }),
  http: unlessFalse(doorShape),
  kafka: unlessFalse(kafkaShape),
  amqp: unlessFalse(amqpShape),
  signIn: callable,
  rules: ruleList,
  log,
  effects,
  effectRetentionMs: integer(60_000, 10 * 366 * 24 * 3_600_000),
  stopMs: integer(0, 600_000),
};

const options = shape(
  {
    ...SHARED_KEYS,
    contracts,
    contractBreaks: oneOf("refuse", "warn"),
    environment: objectWith(["clock", "ids", "random", "log"], "pass an Environment"),
  },
  ["services", "store"],
);

/** Throws BAD_CONFIG with the key at fault, or BAD_DECLARATION where services contradict each other. */
export function checkAppOptions(value: AppOptions): void {
  options(value, "");
  if (value.broker === undefined && (value.streams === undefined || value.queues === undefined)) {
    fail("broker", "is missing; set broker, or both streams and queues");
  }
  checkServices(value.services);
  if (typeof value.effects !== "object") return;
  const names = value.services.map(({ name }) => name);
  for (const name of Object.keys(value.effects)) {
    if (names.includes(name)) continue;
    fail(`effects.${name}`, `names no service; there are ${names.join(", ")}`);
  }
}

export function effectsOf({ effects = "live" }: AppOptions, service: string): EffectSetting {
  return typeof effects === "string" ? effects : (effects[service] ?? "live");
}

/** A view's name is its address in queries: it must be the only one. */
export function checkServices(services: readonly Service[]): void {
  refuseContradictions(services);
  const serviceOf = new Map<string, string>();
  for (const service of services) {
    for (const { name } of service.parts.filter(({ partKind }) => partKind === "view")) {
      const other = serviceOf.get(name);
      if (other !== undefined) {
        throw new MillraceError(
          "BAD_DECLARATION",
          `the view "${name}" stands in the services "${other}" and "${service.name}"; a query could not tell them apart: rename one`,
          { details: { view: name } },
        );
      }
      serviceOf.set(name, service.name);
    }
  }
}
