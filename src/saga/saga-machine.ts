/**
 * The saga as a state machine: an instance and what comes for it, to the next instance and orders.
 *
 * Nothing here waits, sends or stores; `saga-worker.ts` carries the orders out, in the commit that
 * writes the instance. So each step of a process is one commit: killed before it, the same thing comes
 * again and decides the same; killed after it, the outbox and the timers have all that it ordered.
 *
 * Compensation is a stack of which one entry moves at a time. Giving up ends all timers and sends the
 * undo of the newest step that is done or not answered; its answer sends the next. A step that turns
 * out to have been refused meanwhile is passed over, for it changed nothing. An undo that is refused,
 * or not answered in its time, makes the instance stuck. An answer that comes late after all sets it
 * going again; otherwise a person does. Sent again, a refused undo is another command, because its
 * refusal is on record under its id, and an unanswered one the same, lest it be done twice.
 *
 * Whether an answer is still wanted is told by the id of its command alone: it must be the one that a
 * step is waiting for. Everything else is passed over and counted.
 */

import { MillraceError } from "../model/errors.ts";
import type { Draft, Message } from "../model/message.ts";
import type { Chance, Verdict } from "../service/part.ts";
import { actionsOf, type Action, type Reaction, type Step } from "./actions.ts";
import { migrated, shortened, type SagaInstance, type SagaStep } from "./saga-instance.ts";
import type { ReactContext, SagaRules } from "./saga-rules.ts";
import { deadlineName, StepDeadline } from "./saga-timers.ts";

export type Stimulus =
  | { readonly kind: "event" | "timer" | "retry" }
  | { readonly kind: "answer"; readonly command: string; readonly verdict: Verdict }
  | { readonly kind: "deadline"; readonly step: number; readonly of: "step" | "undo" };

/** What surrounds a stimulus. */
export interface Moment {
  readonly instance: string;
  readonly message: Message;
  readonly nowMs: number;
  readonly chance: Chance;
}

export type Order =
  | {
      readonly order: "send";
      readonly command: Draft;
      /** Of a command whose answer is waited for; `again` where it was sent before under its id. */
      readonly answered?: {
        readonly id: string;
        readonly again?: boolean;
        readonly expiresMs?: number;
      };
      /** Is sent later, perhaps: to be checked now, while the handler that made it can be told. */
      readonly undo?: Draft;
    }
  | {
      readonly order: "set-timer";
      readonly name: string;
      readonly dueMs: number;
      readonly timer: Draft;
    }
  /** Without a name all timers of the instance. */
  | { readonly order: "cancel-timer"; readonly name?: string };

export interface Advance {
  readonly instance: SagaInstance;
  readonly orders: readonly Order[];
}

export const SAGA_LIMITS = {
  /** Steps that an instance remembers: those it may have to undo, and the newest of the others. */
  stepsMax: 1000,
  historyMax: 100,
} as const;

/** How long an undo may go unanswered where its step has no deadline. */
const UNDO_DEADLINE_MS = 3_600_000;

/**
 * Advances an instance; undefined where the stimulus does nothing to it and is only to be counted.
 *
 * Throws what a handler throws, BAD_MESSAGE for an instance of a newer version, BAD_ARGUMENT for
 * actions that contradict each other, TOO_LARGE for too many steps.
 */
export function advance(
  instance: SagaInstance | undefined,
  stimulus: Stimulus,
  rules: SagaRules,
  moment: Moment,
): Advance | undefined {
  if (instance?.status === "ended") return undefined;
  const { type } = moment.message.envelope;
  if (instance === undefined) {
    const begins = stimulus.kind === "event" && (rules.starts?.has(type) ?? true);
    if (!begins) return undefined;
  }
  const current =
    instance === undefined ? fresh(rules, moment) : migrated(instance, rules, moment.instance);
  const turn = new Turn(current, rules, moment);
  return turn.take(stimulus) ? turn.result() : undefined;
}

function fresh({ initial, version }: SagaRules, { nowMs }: Moment): SagaInstance {
  return {
    version,
    status: "active",
    state: initial,
    startedMs: nowMs,
    changedMs: nowMs,
    stepCount: 0,
    steps: [],
    history: [],
  };
}

/** One stimulus on its way through. */
class Turn {
  readonly #rules: SagaRules;
  readonly #moment: Moment;
  readonly #orders: Order[] = [];
  #instance: SagaInstance;

  constructor(instance: SagaInstance, rules: SagaRules, moment: Moment) {
    this.#instance = instance;
    this.#rules = rules;
    this.#moment = moment;
  }

  result(): Advance {
    const { message, nowMs } = this.#moment;
    const { id, type } = message.envelope;
    const history = [...this.#instance.history, { id, type, atMs: nowMs }];
    return {
      instance: {
        ...this.#instance,
        changedMs: nowMs,
        history: history.slice(-SAGA_LIMITS.historyMax),
      },
      orders: this.#orders,
    };
  }

  /** Whether it meant anything. */
  take(stimulus: Stimulus): boolean {
    if (stimulus.kind === "answer") return this.#answered(stimulus.command, stimulus.verdict);
    if (stimulus.kind === "deadline") return this.#passed(stimulus.step, stimulus.of);
    if (stimulus.kind === "retry") return this.#retry();
    return this.#happened();
  }

  /** An event, or a timer that the saga set. */
  #happened(): boolean {
    const { evolve, react } = this.#rules;
    const { envelope, data } = this.#moment.message;
    const { id, type, time, version } = envelope;
    const fold = evolve.get(type);
    const active = this.#instance.status === "active";
    const handler = active ? react.get(type) : undefined;
    if (fold !== undefined) {
      this.#change({ state: fold(this.#instance.state, data, { id, time, version }) });
    }
    if (handler !== undefined) this.#perform(handler(data, this.#instance.state, this.#context()));
    return fold !== undefined || handler !== undefined;
  }

  #answered(command: string, verdict: Verdict): boolean {
    const { steps } = this.#instance;
    const step = steps.find(({ id, state }) => id === command && state === "open");
    if (step !== undefined) {
      this.#stepAnswered(step, verdict);
      return true;
    }
    const undone = steps.find(
      ({ undoId, state }) => undoId === command && (state === "undoing" || state === "failed"),
    );
    if (undone === undefined) return false;
    this.#undoAnswered(undone, verdict);
    return true;
  }

  #stepAnswered(step: SagaStep, verdict: Verdict): void {
    const { number, type } = step;
    this.#orders.push({ order: "cancel-timer", name: deadlineName("step", number) });
    this.#setStep({ ...step, state: verdict.ok ? "done" : "refused" });
    if (this.#instance.status !== "active") return;
    const handler = this.#rules.answers.get(type);
    if (handler !== undefined) {
      this.#perform(handler(verdict, this.#instance.state, this.#context()));
    } else if (!verdict.ok) {
      this.#abort(`${type} was refused: ${refusalText(verdict.refusal)}`);
    }
  }

  #undoAnswered(step: SagaStep, verdict: Verdict): void {
    if (verdict.ok) {
      this.#orders.push({ order: "cancel-timer", name: deadlineName("undo", step.number) });
      this.#setStep({ ...step, state: "undone" });
      this.#compensate();
      return;
    }
    const failed: SagaStep = { ...step, undoRefused: true };
    this.#stop(failed, `was refused: ${refusalText(verdict.refusal)}`);
  }

  /** A deadline passed. */
  #passed(number: number, of: "step" | "undo"): boolean {
    const step = this.#instance.steps.find((each) => each.number === number);
    if (of === "step") {
      if (step?.state !== "open" || this.#instance.status !== "active") return false;
      this.#abort(`${step.type} was not answered in time`);
      return true;
    }
    if (step?.state !== "undoing") return false;
    this.#stop(step, "was not answered in time; is it among the dead letters of its queue?");
    return true;
  }

  #retry(): boolean {
    const step = this.#instance.steps.find(({ state }) => state === "failed");
    if (this.#instance.status !== "stuck" || step === undefined) return false;
    const { stuck: _, ...rest } = this.#instance;
    this.#instance = { ...rest, status: "compensating" };
    this.#sendUndo(step);
    return true;
  }

  #perform(reaction: Reaction): void {
    const actions = actionsOf(reaction);
    const last = actions.filter(isLast);
    const [first] = last;
    const more = actions.find((action) => "action" in action && isMore(action));
    if (last.length > 1 || (first !== undefined && more !== undefined)) {
      throw new MillraceError(
        "BAD_ARGUMENT",
        `${this.#rules.what} returns ${first?.action}() together with ${last[1]?.action ?? "a step or timer"}; return one or the other`,
      );
    }
    for (const action of actions) this.#act(action);
    if (first?.action === "abort") this.#abort(first.why);
    else if (first !== undefined) this.#end();
  }

  #act(action: Action): void {
    if (!("action" in action)) {
      this.#orders.push({ order: "send", command: action });
    } else if (action.action === "step") {
      this.#step(action);
    } else if (action.action === "set-timer") {
      const { timer, due } = action;
      const dueMs = "atMs" in due ? due.atMs : this.#moment.nowMs + due.afterMs;
      this.#orders.push({ order: "set-timer", name: timer.type, dueMs, timer });
    } else if (action.action === "cancel-timer") {
      this.#orders.push({ order: "cancel-timer", name: action.type });
    }
  }

  #step({ command, undo, deadlineMs }: Step): void {
    const { nowMs, chance } = this.#moment;
    const number = this.#instance.stepCount + 1;
    const step: SagaStep = {
      number,
      type: command.type,
      id: chance.newId(),
      state: "open",
      sentMs: nowMs,
      ...(deadlineMs !== undefined && { deadlineMs }),
      ...(undo !== undefined && { undo: { type: undo.type, data: undo.data } }),
    };
    this.#change({ stepCount: number, steps: [...this.#room(), step] });
    const expiresMs = deadlineMs === undefined ? undefined : nowMs + deadlineMs;
    this.#orders.push({
      order: "send",
      command,
      answered: { id: step.id, ...(expiresMs !== undefined && { expiresMs }) },
      ...(undo !== undefined && { undo }),
    });
    if (expiresMs !== undefined) this.#setDeadline("step", number, expiresMs);
  }

  /** The steps, with room for one more. */
  #room(): readonly SagaStep[] {
    const { steps } = this.#instance;
    if (steps.length < SAGA_LIMITS.stepsMax) return steps;
    const over = steps.findIndex(
      ({ state, undo }) => state === "refused" || (state === "done" && undo === undefined),
    );
    if (over >= 0) return steps.toSpliced(over, 1);
    throw new MillraceError(
      "TOO_LARGE",
      `instance ${this.#moment.instance} of ${this.#rules.what} has ${steps.length} steps that are open or may have to be undone, the most allowed; end the instance, or take steps without undo`,
    );
  }

  #abort(why: string): void {
    this.#change({ status: "compensating", aborted: shortened(why) });
    this.#orders.push({ order: "cancel-timer" });
    this.#compensate();
  }

  /** Undoes the newest step that may have done something, or ends. */
  #compensate(): void {
    const { stuck: _, ...rest } = this.#instance;
    this.#instance = { ...rest, status: "compensating" };
    const step = this.#instance.steps.findLast(
      ({ state, undo }) => undo !== undefined && (state === "open" || state === "done"),
    );
    if (step === undefined) this.#end();
    else this.#sendUndo(step);
  }

  #sendUndo(step: SagaStep): void {
    const { nowMs, chance } = this.#moment;
    const { undoRefused, ...kept } = step;
    const again = step.undoId !== undefined && undoRefused !== true;
    const id = again ? step.undoId : chance.newId();
    this.#setStep({ ...kept, state: "undoing", undoId: id });
    this.#orders.push({
      order: "send",
      command: step.undo!,
      answered: { id, ...(again && { again }) },
    });
    this.#setDeadline("undo", step.number, nowMs + (step.deadlineMs ?? UNDO_DEADLINE_MS));
  }

  /** The compensation cannot go on by itself. */
  #stop(step: SagaStep, why: string): void {
    this.#orders.push({ order: "cancel-timer", name: deadlineName("undo", step.number) });
    this.#setStep({ ...step, state: "failed" });
    const { number, type, undo } = step;
    const text = `${undo?.type}, which undoes step ${number} (${type}), ${why}`;
    this.#change({ status: "stuck", stuck: shortened(text) });
  }

  #end(): void {
    this.#change({ status: "ended" });
    this.#orders.push({ order: "cancel-timer" });
  }

  #setDeadline(of: "step" | "undo", step: number, dueMs: number): void {
    const timer = StepDeadline({ step, of });
    this.#orders.push({ order: "set-timer", name: deadlineName(of, step), dueMs, timer });
  }

  #setStep(step: SagaStep): void {
    const steps = this.#instance.steps.map((each) => (each.number === step.number ? step : each));
    this.#change({ steps });
  }

  #change(change: Partial<SagaInstance>): void {
    this.#instance = { ...this.#instance, ...change };
  }

  #context(): ReactContext {
    const { instance, message, nowMs, chance } = this.#moment;
    const { id, time, version } = message.envelope;
    return {
      instance,
      id,
      time,
      version,
      now: nowMs,
      newId: () => chance.newId(),
      random: () => chance.random(),
    };
  }
}

type Named = Exclude<Action, Draft>;

function isLast(action: Action): action is Extract<Named, { readonly action: "abort" | "end" }> {
  return "action" in action && (action.action === "abort" || action.action === "end");
}

function isMore({ action }: Named): boolean {
  return action === "step" || action === "set-timer";
}

function refusalText({ code, message }: { readonly code: string; readonly message?: string }) {
  return message === undefined ? code : `${code} (${message})`;
}
