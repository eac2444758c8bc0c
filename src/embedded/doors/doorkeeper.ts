/**
 * Who comes in by the doors of this broker, and what they may do: the one place that asks the
 * program's hook and its rules, for every protocol.
 *
 * Without a hook whoever reaches a door is `LOCAL`, who may do everything; only loopback is opened then
 * (`door-settings.ts`). With a hook nobody is let in whom it does not know, also from this machine.
 *
 * Guessing is made slow for each address: an answer to a failure waits, the longer the more there were
 * lately, and only so many may wait at a time; one more is refused unasked. Whoever knows the password
 * waits for nothing, unless somebody at the same address is guessing with all the attempts there are.
 * Addresses are forgotten some time after their last failure, the oldest first where there are many.
 */

import {
  allowed,
  checkRules,
  type Action,
  type ResourceKind,
  type Rule,
} from "../../broker/rules.ts";
import type { Access } from "../../broker/doors.ts";
import {
  checkPrincipal,
  type Principal,
  type ScramCredentials,
  type ScramMechanism,
  type SignIn,
  type SignInFacts,
} from "../../broker/sign-in.ts";
import { delay, type Clock } from "../../model/clock.ts";
import type { Environment, Log } from "../../model/environment.ts";
import { limitedWarn, type Warn } from "./limited-log.ts";

/** Whoever reaches a door of a program that has no sign-in. */
export const LOCAL: Principal = { name: "local" };

const SECRET_BYTES = 32;
const FIRST_DELAY_MS = 100;
const DELAY_MS_MAX = 5_000;
/** Failures of one address whose answers wait. */
const WAITING_MAX = 16;
const FORGET_MS = 60_000;
const ADDRESSES_MAX = 10_000;
/** Of a user's name, in the log. */
const NAME_CHARACTERS_MAX = 100;

/** Whether somebody may do something; bound to who asks. */
export type May = (action: Action, kind: ResourceKind, name: string) => boolean;

interface Failures {
  count: number;
  waiting: number;
  lastMs: number;
}

export interface Attempt {
  readonly door: SignInFacts["door"];
  /** Where it comes from. */
  readonly address: string;
  readonly user: string;
  readonly signal: AbortSignal;
}

export class Doorkeeper {
  /** Of this process: what strangers are shown must not change from one attempt to the next. */
  readonly secret: Uint8Array;
  readonly #signIn: SignIn | undefined;
  readonly #rules: readonly Rule[];
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #warn: Warn;
  /** By address; the one that failed longest ago first. */
  readonly #failures = new Map<string, Failures>();

  /** Throws BAD_CONFIG for a rule that is none. */
  constructor(
    { signIn, rules = [] }: Access,
    { clock, log, random }: Pick<Environment, "clock" | "log" | "random">,
  ) {
    checkRules(rules);
    this.secret = random.bytes(SECRET_BYTES);
    this.#signIn = signIn;
    this.#rules = rules;
    this.#clock = clock;
    this.#log = log;
    this.#warn = limitedWarn(clock, log);
  }

  /** Whether clients must sign in. */
  get asks(): boolean {
    return this.#signIn !== undefined;
  }

  /** Whether somebody can sign in by proving to know a password instead of sending it. */
  get hasCredentials(): boolean {
    return this.#signIn?.credentialsOf !== undefined;
  }

  /** By what the hook says of user and password. Undefined, after a while, for nobody. */
  password(password: string, attempt: Attempt): Promise<Principal | undefined> {
    const { door, user } = attempt;
    return this.attempt(attempt, async () => {
      const known = await this.#signIn?.({ door, user, password });
      return known && checkPrincipal(known);
    });
  }

  /** Undefined where there is no such user, and where the hook fails, which is logged. */
  async credentialsOf(
    user: string,
    mechanism: ScramMechanism,
  ): Promise<ScramCredentials | undefined> {
    try {
      const found = await this.#signIn?.credentialsOf?.(user, mechanism);
      if (found?.principal !== undefined) checkPrincipal(found.principal);
      return found;
    } catch (error) {
      this.#log.error({ mechanism, error }, "the sign-in hook failed; nobody is let in");
      return undefined;
    }
  }

  /**
   * Runs a check that answers who it is. Undefined, after a while, where it is nobody, and where the
   * check throws, which is logged as the defect that it is.
   */
  async attempt(
    attempt: Attempt,
    check: () => Promise<Principal | undefined>,
  ): Promise<Principal | undefined> {
    const { address, door, signal } = attempt;
    if ((this.#failures.get(address)?.waiting ?? 0) >= WAITING_MAX) {
      this.#warn({ door, address }, "refused a sign-in unasked: too many failed from this address");
      return undefined;
    }
    try {
      const known = await check();
      if (known !== undefined) return known;
      const user = attempt.user.slice(0, NAME_CHARACTERS_MAX);
      this.#warn({ door, address, user }, "a sign-in failed");
    } catch (error) {
      this.#log.error({ door, address, error }, "the sign-in hook failed; nobody is let in");
    }
    await this.#penalty(address, signal);
    return undefined;
  }

  mayOf(principal: Principal): May {
    if (principal === LOCAL) return () => true;
    const rules = this.#rules;
    return (action, kind, name) => allowed(rules, { principal, action, resource: { kind, name } });
  }

  async #penalty(address: string, signal: AbortSignal): Promise<void> {
    const nowMs = this.#clock.monotonic();
    const known = this.#failures.get(address);
    const failures =
      known !== undefined && (known.waiting > 0 || nowMs - known.lastMs < FORGET_MS)
        ? known
        : { count: 0, waiting: 0, lastMs: nowMs };
    this.#failures.delete(address);
    this.#failures.set(address, failures);
    if (this.#failures.size > ADDRESSES_MAX) {
      this.#failures.delete(this.#failures.keys().next().value!);
    }
    const delayMs = Math.min(FIRST_DELAY_MS * 2 ** failures.count, DELAY_MS_MAX);
    failures.count++;
    failures.waiting++;
    failures.lastMs = nowMs;
    try {
      await delay(this.#clock, delayMs, signal);
    } catch {
      // The client has gone; its attempt counts all the same.
    } finally {
      failures.waiting--;
    }
  }
}
