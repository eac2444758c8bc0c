/** What `openApp` takes, and the check of it that runs before anything is opened. */

import type { BrokerFactory } from "../broker/broker.ts";
import type { Rule } from "../broker/rules.ts";
import type { SignIn } from "../broker/sign-in.ts";
import { MillraceError } from "../model/errors.ts";
import type { Environment, Log } from "../model/environment.ts";
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
  /** Who else may come in. */
  readonly signIn?: SignIn;
  /** What those may do; nothing unless said. */
  readonly rules?: readonly Rule[];
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

const doorShape = shape({
  port: integer(0, 65_535),
  token: text,
  hosts: listOf(text),
  signIn: callable,
  rules: listOf(objectWith(["principal", "actions", "resources"], "a rule has these three")),
  webhooks: listOf(objectWith(["name", "path", "handle"], "pass what webhookIn() returns")),
});

const door: Check = (value, path) => {
  if (value !== false) doorShape(value, path);
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
  http: door,
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
