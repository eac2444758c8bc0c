/** Cases of a saga: given what happened to one instance, when something comes, then these orders. */

import assert from "node:assert/strict";
import type { Draft, Message } from "../../model/message.ts";
import type { CommandType, MessageType } from "../../schema/declaration.ts";
import { durationMs, type Duration } from "../../schema/duration.ts";
import { REPLY_TYPE } from "../../service/ask/reply-message.ts";
import type { RefusalData } from "../../service/ask/answer.ts";
import { createChance } from "../../service/unit/chance.ts";
import type { CancelTimer, SetTimer } from "../../saga/actions.ts";
import type { SagaInstance, SagaStatus, SagaStep } from "../../saga/saga-instance.ts";
import { advance, type Order, type Stimulus } from "../../saga/saga-machine.ts";
import { StepDeadline } from "../../saga/saga-timers.ts";
import type { Saga } from "../../saga/saga.ts";
import {
  CASE_START_MS,
  caseMessage,
  momentMs,
  plainDrafts,
  typesByName,
  type Moment,
} from "./case-message.ts";

/** A command that is sent, or a timer that is set or ended, as the handlers return them. */
export type Ordered = Draft<string, unknown, "command"> | SetTimer | CancelTimer;

export interface SagaCase {
  /** The moment of what comes next; 2026-01-01T00:00Z unless said. */
  at(moment: Moment): SagaCase;
  /** An event comes, or one of its timers falls due. */
  when(happened: Draft<string, unknown, "event" | "timer">): ReactedCase;
  /** The oldest open step (or undo) of this command is answered. */
  whenDone<Type extends CommandType>(command: Type, reply?: unknown): ReactedCase;
  whenRefused<Type extends CommandType>(command: Type, refusal: string | RefusalData): ReactedCase;
  /** So much time passes, and deadlines of steps within it. Timers of the saga are given by `when`. */
  whenPassed(duration: Duration): ReactedCase;
}

/** What came was handled; the same instance goes on from here. */
export interface ReactedCase extends SagaCase {
  /** Exactly these orders came of the last thing, in this order: commands, timers set and timers ended. */
  then(ordered: readonly Ordered[]): ReactedCase;
  thenStatus(status: SagaStatus): ReactedCase;
  thenState(state: unknown): ReactedCase;
}

interface Course {
  readonly instance: SagaInstance | undefined;
  readonly atMs: number;
  readonly count: number;
  readonly orders: readonly Order[];
}

const INSTANCE = "instance";

export function givenSaga(saga: Saga, events: readonly Draft[]): ReactedCase {
  const play = new SagaPlay(saga);
  const start = { instance: undefined, atMs: CASE_START_MS, count: 0, orders: [] };
  return caseOf(
    play,
    events.reduce<Course>((course, draft) => play.happened(course, draft), start),
  );
}

function caseOf(play: SagaPlay, course: Course): ReactedCase {
  const { instance } = course;
  const answered = (command: MessageType, verdict: Answered): ReactedCase =>
    caseOf(play, play.answered(course, command.type, verdict));
  return {
    at: (moment) => caseOf(play, { ...course, atMs: momentMs(moment) }),
    when: (draft) => caseOf(play, play.happened(course, draft)),
    whenDone: (command, reply) =>
      answered(command, reply === undefined ? { ok: true } : { ok: true, reply }),
    whenRefused: (command, refusal) =>
      answered(command, {
        ok: false,
        refusal: typeof refusal === "string" ? { code: refusal } : refusal,
      }),
    whenPassed: (duration) =>
      caseOf(play, play.passed(course, durationMs(duration, "the time that passes"))),
    // Reads as a sentence; whoever awaits it by mistake is told so.
    // oxlint-disable-next-line unicorn/no-thenable
    then: (ordered) => {
      const expected = ordered.map((each) => plainOrder(each, course.atMs));
      assert.deepStrictEqual(course.orders.flatMap(shownOrder), expected);
      return caseOf(play, course);
    },
    thenStatus: (status) => {
      assert.deepStrictEqual(instance?.status, status, instance?.stuck ?? instance?.aborted);
      return caseOf(play, course);
    },
    thenState: (state) => {
      assert.deepStrictEqual(instance?.state, state);
      return caseOf(play, course);
    },
  };
}

type Answered =
  | { readonly ok: true; readonly reply?: unknown }
  | { readonly ok: false; readonly refusal: RefusalData };

/** The machine, fed with what a case says. */
class SagaPlay {
  readonly #saga: Saga;
  readonly #types: ReadonlyMap<string, MessageType>;

  constructor(saga: Saga) {
    this.#saga = saga;
    this.#types = typesByName([
      ...saga.from.flatMap((channel) => Object.values<MessageType>(channel.types)),
      ...(saga.timers ?? []),
    ]);
  }

  happened(course: Course, draft: Draft): Course {
    const id = `given-${course.count}`;
    const message = caseMessage(draft, this.#types, { id, timeMs: course.atMs });
    const kind = message.envelope.kind === "timer" ? "timer" : "event";
    return this.#advance(course, { kind }, message);
  }

  answered(course: Course, command: string, verdict: Answered): Course {
    const steps = course.instance?.steps ?? [];
    const open = steps.find(({ type, state }) => state === "open" && type === command);
    const undoing = steps.find(({ undo, state }) => state === "undoing" && undo?.type === command);
    const id = open?.id ?? undoing?.undoId;
    if (id === undefined) {
      const known = steps.map(({ type, state }) => `${type} (${state})`).join(", ") || "none";
      throw new TypeError(`no step waits for the answer to ${command}; its steps are: ${known}`);
    }
    const stimulus = { kind: "answer", command: id, verdict } as const;
    return this.#advance(course, stimulus, this.#own(course, "reply", REPLY_TYPE, verdict));
  }

  /** The deadlines within the time, each at its moment. */
  passed(course: Course, ms: number): Course {
    const untilMs = course.atMs + ms;
    let current: Course = { ...course, orders: [] };
    const orders: Order[] = [];
    for (;;) {
      const late = current.instance?.steps.find(
        (step) => step.state === "open" && dueMsOf(step) <= untilMs,
      );
      if (late === undefined) return { ...current, atMs: untilMs, orders };
      const data = { step: late.number, of: "step" as const };
      current = { ...current, atMs: Math.max(current.atMs, dueMsOf(late)) };
      const message = this.#own(current, "timer", StepDeadline.type, data);
      const before = current.instance;
      current = this.#advance(current, { kind: "deadline", ...data }, message);
      orders.push(...current.orders);
      if (current.instance === before) return { ...current, atMs: untilMs, orders };
    }
  }

  #own({ atMs, count }: Course, kind: "reply" | "timer", type: string, data: unknown): Message {
    const envelope = { id: `given-${count}`, type, kind, version: 1, source: "test", time: atMs };
    return { envelope, data };
  }

  #advance(course: Course, stimulus: Stimulus, message: Message): Course {
    const { atMs, count, instance } = course;
    const chance = createChance([this.#saga.name, message.envelope.id], atMs);
    const moment = { instance: INSTANCE, message, nowMs: atMs, chance };
    const advanced = advance(instance, stimulus, this.#saga.rules, moment);
    return {
      atMs,
      count: count + 1,
      instance: advanced?.instance ?? instance,
      orders: advanced?.orders ?? [],
    };
  }
}

function dueMsOf({ sentMs, deadlineMs }: SagaStep): number {
  return deadlineMs === undefined ? Infinity : sentMs + deadlineMs;
}

/** What the saga's author ordered; the deadlines that steps bring with them are not shown. */
function shownOrder(order: Order): readonly object[] {
  if (order.order === "send") return plainDrafts([order.command]);
  if (order.order === "cancel-timer") {
    // Without a name, and for a step's own deadline, it is the machine that tidies up: no type has the sign.
    const own = order.name === undefined || order.name.includes("#");
    return own ? [] : [{ cancelled: order.name }];
  }
  if (order.timer.type === StepDeadline.type) return [];
  return [{ timer: plainDrafts([order.timer])[0], dueMs: order.dueMs }];
}

function plainOrder(ordered: Ordered, nowMs: number): object {
  if (!("action" in ordered)) return plainDrafts([ordered])[0]!;
  if (ordered.action === "cancel-timer") return { cancelled: ordered.type };
  const { timer, due } = ordered;
  const dueMs = "atMs" in due ? due.atMs : nowMs + due.afterMs;
  return { timer: plainDrafts([timer])[0], dueMs };
}
