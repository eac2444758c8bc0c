/** The settings of the embedded broker, checked before anything is opened. */

import { join, resolve } from "node:path";
import type {
  AmqpDoorSettings,
  BrokerDoors,
  KafkaDoorSettings,
  WantedDoors,
} from "../broker/doors.ts";
import { MillraceError } from "../model/errors.ts";
import { checkDoorSettings } from "./doors/door-settings.ts";

export interface EmbeddedOptions {
  /** Where everything is kept; `.millrace/broker` in the working directory unless said. */
  readonly directory?: string;
  /** Appends are refused while less than this is free on the disk; 256 MiB unless said. */
  readonly freeBytesMin?: number;
  /**
   * A segment is ended when it reaches this size; retention removes whole segments. 64 MiB unless
   * said.
   */
  readonly segmentBytesMax?: number;
  /** How often retention looks for segments that may go; 10,000 unless said. */
  readonly retentionCheckMs?: number;
  /** Lets Kafka clients in, for whom every stream is a topic; `openApp({ kafka })` goes before it. */
  readonly kafka?: KafkaDoorSettings;
  /** Lets AMQP 1.0 clients in, for whom every queue is an address; `openApp({ amqp })` goes before it. */
  readonly amqp?: AmqpDoorSettings;
}

export type CheckedOptions = Required<Omit<EmbeddedOptions, "kafka" | "amqp">> & BrokerDoors;

const MIB = 1024 * 1024;
const NUMBERS = {
  freeBytesMin: { usual: 256 * MIB, min: 0, max: 2 ** 50 },
  segmentBytesMax: { usual: 64 * MIB, min: 4096, max: 1024 * MIB },
  retentionCheckMs: { usual: 10_000, min: 10, max: 86_400_000 },
} as const;
const KNOWN = ["directory", "kafka", "amqp", ...Object.keys(NUMBERS)];

/** Throws BAD_CONFIG for an unknown key or a value out of range. */
export function checkOptions(options: EmbeddedOptions): CheckedOptions {
  for (const key of Object.keys(options)) {
    if (KNOWN.includes(key)) continue;
    throw badConfig(`has no setting ${JSON.stringify(key)}; it knows ${KNOWN.join(", ")}`, key);
  }
  const { directory = join(".millrace", "broker"), kafka, amqp } = options;
  if (typeof directory !== "string" || directory === "") {
    throw badConfig("needs the path of a directory as its setting directory", "directory");
  }
  const number = (key: keyof typeof NUMBERS): number => {
    const { usual, min, max } = NUMBERS[key];
    const value = options[key] ?? usual;
    if (Number.isSafeInteger(value) && value >= min && value <= max) return value;
    throw badConfig(`takes a whole number from ${min} to ${max} as ${key}, not ${value}`, key);
  };
  return {
    directory: resolve(directory),
    freeBytesMin: number("freeBytesMin"),
    segmentBytesMax: number("segmentBytesMax"),
    retentionCheckMs: number("retentionCheckMs"),
    ...withDoors(
      {},
      { ...(kafka !== undefined && { kafka }), ...(amqp !== undefined && { amqp }) },
    ),
  };
}

/** What is given goes before what was set, key by key; `false` takes it away. Throws BAD_CONFIG. */
export function withDoors<Options extends BrokerDoors>(
  { kafka, amqp, ...options }: Options,
  given: WantedDoors,
): Omit<Options, "kafka" | "amqp"> & BrokerDoors {
  const settings = { kafka: merged(kafka, given.kafka), amqp: merged(amqp, given.amqp) };
  if (settings.kafka !== undefined) checkDoorSettings("kafka", settings.kafka);
  if (settings.amqp !== undefined) checkDoorSettings("amqp", settings.amqp);
  return {
    ...options,
    ...(given.signIn !== undefined && { signIn: given.signIn }),
    ...(given.rules !== undefined && { rules: given.rules }),
    ...(settings.kafka !== undefined && { kafka: settings.kafka }),
    ...(settings.amqp !== undefined && { amqp: settings.amqp }),
  };
}

function merged<Settings extends object>(
  own: Settings | undefined,
  given: Settings | false | undefined,
): Settings | undefined {
  if (given === false) return undefined;
  return given === undefined ? own : { ...own, ...given };
}

function badConfig(text: string, key: string): MillraceError {
  return new MillraceError("BAD_CONFIG", `the embedded broker ${text}`, { details: { key } });
}
