/** What every declaration of a part checks of its own options. */

import { MillraceError } from "../model/errors.ts";
import { type Channel, type EventTypes, isSubscription } from "../schema/declaration.ts";
import { refuseReserved } from "../schema/refusal.ts";
import { type Breaker, DEFAULT_POLICY, type FailurePolicy } from "./part.ts";

/** As for a Kafka topic, because groups are named after parts; room is left for the service's name. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

export function refuse(text: string): never {
  throw new MillraceError("BAD_DECLARATION", text);
}

export function checkPartName(name: unknown, what: string): void {
  if (typeof name === "string" && NAME.test(name)) {
    // A service's name begins the names of its groups.
    if (what === "service") refuseReserved(name, what);
    return;
  }
  refuse(
    `${JSON.stringify(name)} is no name for a ${what}; use 1 to 100 letters, digits, dots, underscores or hyphens, beginning with a letter or digit`,
  );
}

export function checkOptions(options: object, what: string, known: readonly string[]): void {
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown !== undefined) {
    refuse(`${what} has an unknown option "${unknown}"; the options are ${known.join(", ")}`);
  }
}

/** Keys worked on at one time. */
export function checkConcurrency(what: string, concurrency: number): void {
  if (Number.isInteger(concurrency) && concurrency >= 1) return;
  refuse(`concurrency of ${what} is ${concurrency}; give a whole number from 1`);
}

/** One or several, as a list. */
export function listOf<Item>(items: Item | readonly Item[] | undefined): readonly Item[] {
  if (items === undefined) return [];
  // Arrays are lists here, never items, which `Array.isArray` cannot tell the checker.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return Array.isArray(items) ? (items as readonly Item[]) : [items as Item];
}

const POLICY_NUMBERS = ["attempts", "backoffMs", "backoffMsMax", "parkedMax"] as const;

export function policyOf(what: string, given: Partial<FailurePolicy> = {}): FailurePolicy {
  checkOptions(given, `policy of ${what}`, ["onFailure", "retry", "breaker", ...POLICY_NUMBERS]);
  const policy = { ...DEFAULT_POLICY, ...given };
  if (!["park", "block", "skip"].includes(policy.onFailure)) {
    refuse(`policy.onFailure of ${what} is "${policy.onFailure}"; write "park", "block" or "skip"`);
  }
  for (const name of POLICY_NUMBERS) {
    if (!Number.isInteger(policy[name]) || policy[name] < 1) {
      refuse(`policy.${name} of ${what} is ${policy[name]}; give a whole number from 1`);
    }
  }
  checkRetry(what, policy);
  if (policy.breaker !== undefined) checkBreaker(what, policy.breaker);
  return policy;
}

function checkRetry(what: string, { retry, onFailure }: FailurePolicy): void {
  if (retry !== "in-place" && retry !== "decoupled") {
    refuse(`policy.retry of ${what} is "${String(retry)}"; write "in-place" or "decoupled"`);
  }
  if (retry === "decoupled" && onFailure !== "park") {
    refuse(
      `policy of ${what} has retry "decoupled" and onFailure "${onFailure}"; what waits decoupled is parked already: write onFailure "park", or retry "in-place"`,
    );
  }
}

const BREAKER_NUMBERS = ["failures", "withinMs", "restMs"] as const;

function checkBreaker(what: string, breaker: Breaker): void {
  checkOptions(breaker, `policy.breaker of ${what}`, BREAKER_NUMBERS);
  for (const name of BREAKER_NUMBERS) {
    if (!Number.isInteger(breaker[name]) || breaker[name] < 1) {
      refuse(`policy.breaker.${name} of ${what} is ${breaker[name]}; give a whole number from 1`);
    }
  }
}

/** A channel, or a decider as the source of its own events. */
export type HandlerSource =
  | Channel
  | { readonly kind: "decider"; readonly name: string; readonly types: EventTypes };

/** Handlers by wire type, for all that the channels carry and `handlers` names. */
export function handlersByType<Handler>(
  what: string,
  channels: readonly HandlerSource[],
  handlers: Readonly<Record<string, Handler | undefined>>,
): ReadonlyMap<string, Handler> {
  if (channels.length === 0) refuse(`${what} reads from nothing; name a stream or queue in from`);
  const byType = new Map<string, Handler>();
  const owner = new Map<string, string>();
  for (const channel of channels) {
    const place = `${channel.kind} "${channel.name}"`;
    for (const [name, type] of Object.entries(channel.types)) {
      const other = owner.get(name) ?? owner.get(`type ${type.type}`);
      if (other !== undefined) {
        refuse(`${what} reads ${name} from ${other} and from ${place}; read it from one of them`);
      }
      owner.set(name, place);
      owner.set(`type ${type.type}`, place);
      const handler = handlers[name];
      if (typeof handler === "function") byType.set(type.type, handler);
      else if (handler !== undefined) refuse(`${what}: the handler ${name} is no function`);
      else if (channel.kind === "queue" && !isSubscription(channel)) {
        refuse(`${what} has no handler ${name}; every command of ${place} needs one`);
      }
    }
  }
  const stray = Object.keys(handlers).find((name) => !owner.has(name));
  if (stray !== undefined) {
    refuse(`${what} has a handler ${stray}, which none of its channels carries`);
  }
  return byType;
}
