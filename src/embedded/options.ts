/** The settings of the embedded broker, checked before anything is opened. */

import { join, resolve } from "node:path";
import { MillraceError } from "../model/errors.ts";

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
  /** Lets Kafka clients in on this port, where every stream is a topic. */
  readonly kafka?: { readonly port: number; readonly host?: string };
}

export type CheckedOptions = Required<Omit<EmbeddedOptions, "kafka">> &
  Pick<EmbeddedOptions, "kafka">;

const MIB = 1024 * 1024;
const NUMBERS = {
  freeBytesMin: { usual: 256 * MIB, min: 0, max: 2 ** 50 },
  segmentBytesMax: { usual: 64 * MIB, min: 4096, max: 1024 * MIB },
  retentionCheckMs: { usual: 10_000, min: 10, max: 86_400_000 },
} as const;
const KNOWN = ["directory", "kafka", ...Object.keys(NUMBERS)];

/** Throws BAD_CONFIG for an unknown key or a value out of range. */
export function checkOptions(options: EmbeddedOptions): CheckedOptions {
  for (const key of Object.keys(options)) {
    if (KNOWN.includes(key)) continue;
    throw badConfig(`has no setting ${JSON.stringify(key)}; it knows ${KNOWN.join(", ")}`, key);
  }
  const { directory = join(".millrace", "broker") } = options;
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
    ...(options.kafka !== undefined && { kafka: options.kafka }),
  };
}

function badConfig(text: string, key: string): MillraceError {
  return new MillraceError("BAD_CONFIG", `the embedded broker ${text}`, { details: { key } });
}
