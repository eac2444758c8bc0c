/** The source or target of an attach, as a client asks for it, before rhea has looked at it. */

import type { Typed } from "./rhea.ts";

export interface Filter {
  /** A symbol or a number; undefined where the filter is not described. */
  readonly descriptor: unknown;
  readonly value: unknown;
}

export interface TerminusRequest {
  readonly address: string | undefined;
  /** 0 keeps nothing, 1 what is asked for, 2 what is unsettled, too. */
  readonly durable: number;
  readonly expiryPolicy: string;
  readonly dynamic: boolean;
  readonly distributionMode: string | undefined;
  readonly filters: ReadonlyMap<string, Filter>;
  readonly capabilities: readonly string[];
}

const COORDINATOR = 0x30;
const SOURCE = 0x28;
const TARGET = 0x29;
const NAMES: Readonly<Record<string, number>> = {
  "amqp:coordinator:list": COORDINATOR,
  "amqp:source:list": SOURCE,
  "amqp:target:list": TARGET,
};

/** Undefined where there is none; "coordinator" for that of transactions. */
export function readTerminus(field: unknown): TerminusRequest | "coordinator" | undefined {
  const typed = asTyped(field);
  const descriptor = typed?.descriptor?.value;
  if (typed === undefined || descriptor === undefined) return undefined;
  const code = typeof descriptor === "string" ? NAMES[descriptor] : descriptor;
  if (code === COORDINATOR) return "coordinator";
  if ((code !== SOURCE && code !== TARGET) || !Array.isArray(typed.value)) return undefined;
  const fields: readonly unknown[] = typed.value;
  const isSource = code === SOURCE;
  const address = plain(fields[0]);
  const durable = plain(fields[1]);
  const expiryPolicy = plain(fields[2]);
  const mode = isSource ? plain(fields[6]) : undefined;
  return {
    address: typeof address === "string" ? address : undefined,
    durable: typeof durable === "number" ? durable : 0,
    expiryPolicy: typeof expiryPolicy === "string" ? expiryPolicy : "session-end",
    dynamic: plain(fields[4]) === true,
    distributionMode: typeof mode === "string" ? mode : undefined,
    filters: isSource ? filtersOf(fields[7]) : new Map<string, Filter>(),
    capabilities: textsOf(fields[isSource ? 10 : 6]),
  };
}

/** One symbol, or an array of them. */
export function textsOf(field: unknown): readonly string[] {
  const value = plain(field);
  const items: readonly unknown[] = Array.isArray(value) ? value : [value];
  return items.map(plain).filter((item) => typeof item === "string");
}

function filtersOf(field: unknown): ReadonlyMap<string, Filter> {
  const filters = new Map<string, Filter>();
  const items = plain(field);
  if (!Array.isArray(items)) return filters;
  for (let i = 0; i + 1 < items.length; i += 2) {
    const name = plain(items[i]);
    const filter = asTyped(items[i + 1]);
    if (typeof name !== "string" || filter === undefined) continue;
    filters.set(name, { descriptor: filter.descriptor?.value, value: filter.value });
  }
  return filters;
}

function plain(field: unknown): unknown {
  return asTyped(field)?.value ?? field;
}

function asTyped(field: unknown): Typed | undefined {
  return isTyped(field) ? field : undefined;
}

function isTyped(field: unknown): field is Typed {
  return typeof field === "object" && field !== null && "type" in field && "value" in field;
}
