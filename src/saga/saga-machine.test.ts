import assert from "node:assert/strict";
import { test } from "node:test";
import type { Evolve } from "../model/fold.ts";
import type { Draft, Message } from "../model/message.ts";
import type { Verdict } from "../service/part.ts";
import { abort, after, at, cancel, end, step, type Reaction } from "./actions.ts";
import { timer } from "../schema/message-type.ts";
import { migrated, type SagaInstance } from "./saga-instance.ts";
import { advance, SAGA_LIMITS, type Advance, type Stimulus } from "./saga-machine.ts";
import type { AnswerHandler, ReactHandler, SagaRules } from "./saga-rules.ts";

const OK: Verdict = { ok: true };
const REFUSED: Verdict = { ok: false, refusal: { code: "no", message: "none left" } };
const command = (type: string): Draft<string, unknown, "command"> => ({ type, data: { type } });
const anything = {
  "~standard": { version: 1, vendor: "test", validate: (value: unknown) => ({ value }) },
} as const;
const Due = timer("due", anything);

/** Drives one instance; ids are c1, c2, … in the order in which they are drawn. */
class Play {
  instance: SagaInstance | undefined;
  nowMs = 1000;
  readonly #rules: SagaRules;
  #drawn = 0;

  constructor(
    react: (type: string) => Reaction,
    more: {
      readonly answers?: Readonly<Record<string, AnswerHandler>>;
      readonly starts?: readonly string[];
      readonly evolve?: Readonly<Record<string, Evolve<any, any>>>;
      readonly types?: readonly string[];
    } = {},
  ) {
    const { answers = {}, starts, evolve = {}, types = ["go", "next", "due"] } = more;
    const handler: ReactHandler = (data: { type: string }) => react(data.type);
    this.#rules = {
      what: 'saga "s"',
      version: 1,
      upcast: {},
      initial: { seen: 0 },
      starts: starts && new Set(starts),
      evolve: new Map(Object.entries(evolve)),
      react: new Map(types.map((type) => [type, handler])),
      answers: new Map(Object.entries(answers)),
    };
  }

  take(stimulus: Stimulus, type = "x"): Advance["orders"] | undefined {
    const envelope = {
      id: `m-${type}`,
      type,
      kind: "event",
      version: 1,
      source: "t",
      time: 5,
    } as const;
    const message: Message = { envelope, data: { type } };
    const chance = { newId: () => `c${++this.#drawn}`, random: () => 0.5 };
    const moment = { instance: "i", message, nowMs: this.nowMs, chance };
    const advanced = advance(this.instance, stimulus, this.#rules, moment);
    if (advanced !== undefined) this.instance = advanced.instance;
    return advanced?.orders;
  }

  event(type: string): readonly string[] | undefined {
    return briefly(this.take({ kind: "event" }, type));
  }

  answer(id: string, verdict: Verdict = OK): readonly string[] | undefined {
    return briefly(this.take({ kind: "answer", command: id, verdict }));
  }

  deadline(number: number, of: "step" | "undo" = "step"): readonly string[] | undefined {
    return briefly(this.take({ kind: "deadline", step: number, of }));
  }

  retry(): readonly string[] | undefined {
    return briefly(this.take({ kind: "retry" }));
  }

  get states(): readonly string[] {
    return [this.instance!.status, ...this.instance!.steps.map(({ state }) => state)];
  }
}

/** `send TYPE ID`, `set NAME MOMENT`, `cancel NAME`. */
function briefly(orders: Advance["orders"] | undefined): readonly string[] | undefined {
  return orders?.map((order) => {
    if (order.order === "set-timer") return `set ${order.name} ${order.dueMs}`;
    if (order.order === "cancel-timer") return `cancel ${order.name ?? "all"}`;
    const { command: sent, answered } = order;
    return ["send", sent.type, ...(answered ? [answered.id] : [])].join(" ");
  });
}

/** a, then b, then c, each begun by an event and undone by its `un-` command. */
function threeSteps(deadline?: "10s"): Play {
  const undoable = (type: string): Reaction =>
    step(command(type), { undo: command(`un-${type}`), ...(deadline && { deadline }) });
  const play = new Play((type) => (type === "stop" ? abort("asked to") : undoable(type)), {
    types: ["a", "b", "c", "stop"],
  });
  for (const type of ["a", "b", "c"]) play.event(type);
  return play;
}

test("a step is sent under an id of its own, with its deadline as timer and expiry", () => {
  const play = new Play(() => step(command("a"), { deadline: "10s" }));
  assert.deepEqual(play.take({ kind: "event" }, "go"), [
    { order: "send", command: command("a"), answered: { id: "c1", expiresMs: 11_000 } },
    {
      order: "set-timer",
      name: "step#1",
      dueMs: 11_000,
      timer: { type: "millrace.saga.deadline", data: { step: 1, of: "step" } },
    },
  ]);
  assert.deepEqual(play.answer("c1"), ["cancel step#1"]);
  assert.deepEqual(play.states, ["active", "done"]);
});

test("compensation undoes done and unanswered steps, the newest first, each answered before the next", () => {
  const play = threeSteps("10s");
  play.answer("c1");
  play.nowMs = 2000;
  assert.deepEqual(play.event("stop"), ["cancel all", "send un-c c4", "set undo#3 12000"]);
  assert.deepEqual(play.states, ["compensating", "done", "open", "undoing"]);
  assert.deepEqual(play.answer("c4"), ["cancel undo#3", "send un-b c5", "set undo#2 12000"]);
  assert.deepEqual(play.answer("c5"), ["cancel undo#2", "send un-a c6", "set undo#1 12000"]);
  assert.deepEqual(play.answer("c6"), ["cancel undo#1", "cancel all"]);
  assert.deepEqual(play.states, ["ended", "undone", "undone", "undone"]);
  assert.equal(play.instance!.aborted, "asked to");
});

test("a refusal that nobody handles aborts, and the refused step is not undone", () => {
  const play = threeSteps();
  play.answer("c1");
  play.answer("c2");
  assert.deepEqual(play.answer("c3", REFUSED), [
    "cancel step#3",
    "cancel all",
    "send un-b c4",
    "set undo#2 3601000",
  ]);
  assert.deepEqual(play.states, ["compensating", "done", "undoing", "refused"]);
  assert.equal(play.instance!.aborted, "c was refused: no (none left)");
});

test("a handler of answers decides what a refusal means", () => {
  const answers: Record<string, AnswerHandler> = {
    a: (answer) => (answer.ok ? [] : step(command("b"))),
  };
  const play = new Play(() => step(command("a")), { answers });
  play.event("go");
  assert.deepEqual(play.answer("c1", REFUSED), ["cancel step#1", "send b c2"]);
  assert.deepEqual(play.states, ["active", "refused", "open"]);
});

test("a step's deadline aborts, and only while the step is open", () => {
  const play = threeSteps("10s");
  play.answer("c3");
  assert.equal(play.deadline(3), undefined);
  assert.deepEqual(play.deadline(2), ["cancel all", "send un-c c4", "set undo#3 11000"]);
  assert.equal(play.instance!.aborted, "b was not answered in time");
  assert.equal(play.deadline(1), undefined);
});

test("answers that nobody waits for any more change nothing", () => {
  const play = threeSteps();
  play.event("stop");
  const before = play.instance;
  assert.equal(play.answer("c3"), undefined, "its step is being undone");
  assert.equal(play.answer("never"), undefined);
  assert.equal(play.instance, before);
  for (const id of ["c4", "c5", "c6"]) play.answer(id);
  assert.equal(play.instance!.status, "ended");
  assert.equal(play.answer("c1"), undefined);
  assert.equal(play.event("a"), undefined, "an ended instance is not begun anew");
});

test("a step that turns out to be refused during compensation is passed over", () => {
  const play = threeSteps();
  play.event("stop");
  assert.deepEqual(play.answer("c2", REFUSED), ["cancel step#2"]);
  assert.deepEqual(play.answer("c4"), ["cancel undo#3", "send un-a c5", "set undo#1 3601000"]);
});

test("a refused undo makes the instance stuck; a retry sends it as another command", () => {
  const play = threeSteps();
  play.event("stop");
  assert.deepEqual(play.answer("c4", REFUSED), ["cancel undo#3"]);
  assert.deepEqual(play.states, ["stuck", "open", "open", "failed"]);
  assert.match(play.instance!.stuck ?? "", /un-c, which undoes step 3 \(c\), was refused: no/);
  assert.deepEqual(play.retry(), ["send un-c c5", "set undo#3 3601000"]);
  assert.equal(play.instance!.stuck, undefined);
  assert.equal(play.retry(), undefined);
  assert.equal(play.answer("c4"), undefined, "the refused one has no say any more");
  assert.deepEqual(play.answer("c5"), ["cancel undo#3", "send un-b c6", "set undo#2 3601000"]);
});

test("an undo that is not answered in time makes it stuck; its late answer sets it going again", () => {
  const play = threeSteps("10s");
  play.event("stop");
  assert.deepEqual(play.deadline(3, "undo"), ["cancel undo#3"]);
  assert.equal(play.instance!.status, "stuck");
  assert.deepEqual(play.retry(), ["send un-c c4", "set undo#3 11000"], "sent under the same id");
  play.deadline(3, "undo");
  assert.deepEqual(play.answer("c4"), ["cancel undo#3", "send un-b c5", "set undo#2 11000"]);
  assert.deepEqual(play.states, ["compensating", "open", "undoing", "undone"]);
  assert.equal(play.instance!.stuck, undefined);
});

test("while it compensates, events fold into the state and lead to nothing", () => {
  const evolve = { next: (s: { seen: number }) => ({ seen: s.seen + 1 }) };
  const play = new Play(
    (type) => (type === "go" ? step(command("a"), { undo: command("un-a") }) : abort("enough")),
    { evolve },
  );
  play.event("go");
  play.event("next");
  assert.deepEqual(play.event("next"), []);
  assert.deepEqual(play.instance!.state, { seen: 2 });
  assert.equal(play.event("go"), undefined);
});

test("reactions see the state after the fold, and the moment", () => {
  const seen: unknown[] = [];
  const rules = new Play(() => undefined, {
    evolve: { go: (s: { seen: number }, _, context) => (seen.push(context), { seen: s.seen + 1 }) },
  });
  rules.event("go");
  assert.deepEqual(rules.instance!.state, { seen: 1 });
  assert.deepEqual(seen, [{ id: "m-go", time: 5, version: 1 }]);
});

test("timers are set for a moment or a while, replaced by name, cancelled, and end with the instance", () => {
  const reactions: Record<string, Reaction> = {
    go: [after("5s", Due({})), at(7777, Due({}))],
    next: cancel(Due),
    due: end(),
  };
  const play = new Play((type) => reactions[type]);
  assert.deepEqual(play.event("go"), ["set due 6000", "set due 7777"]);
  assert.deepEqual(play.event("next"), ["cancel due"]);
  assert.deepEqual(briefly(play.take({ kind: "timer" }, "due")), ["cancel all"]);
  assert.deepEqual(play.states, ["ended"]);
});

test("only what may begin an instance begins one", () => {
  const play = new Play(() => [], { starts: ["go"] });
  assert.equal(play.event("next"), undefined);
  assert.equal(play.take({ kind: "timer" }, "due"), undefined);
  assert.equal(play.answer("c1"), undefined);
  assert.equal(play.instance, undefined);
  assert.deepEqual(play.event("go"), []);
  assert.deepEqual(play.event("next"), []);
});

test("actions that contradict each other are refused", () => {
  for (const actions of [
    [end(), abort("x")],
    [end(), step(command("a"))],
    [abort("x"), after("1s", Due({}))],
  ]) {
    assert.throws(() => new Play(() => actions).event("go"), { code: "BAD_ARGUMENT" });
  }
  const play = new Play(() => [abort("x"), command("tell")]);
  assert.deepEqual(play.event("go"), ["send tell", "cancel all", "cancel all"]);
});

test("an instance remembers a bounded number of steps and messages", () => {
  const play = new Play(() => step(command("a")));
  for (let n = 1; n <= SAGA_LIMITS.stepsMax + 5; n++) {
    play.event("go");
    play.answer(`c${n}`);
  }
  assert.equal(play.instance!.steps.length, SAGA_LIMITS.stepsMax);
  assert.equal(play.instance!.steps[0]!.number, 6);
  assert.equal(play.instance!.history.length, SAGA_LIMITS.historyMax);
  const open = new Play(() =>
    Array.from({ length: SAGA_LIMITS.stepsMax + 1 }, () => step(command("a"))),
  );
  assert.throws(() => open.event("go"), { code: "TOO_LARGE" });
});

test("an older instance is migrated step by step, a newer one is refused as it is", () => {
  const upcast = { 1: (old: { n: number }) => ({ m: old.n }), 2: (old: { m: number }) => [old.m] };
  const play = new Play(() => []);
  play.event("go");
  const old = { ...play.instance!, state: { n: 7 } };
  const now = { what: 'saga "s"', version: 3, upcast };
  assert.deepEqual(migrated(old, now, "i").state, [7]);
  assert.equal(migrated(old, now, "i").version, 3);
  assert.throws(() => migrated({ ...old, version: 4 }, now, "i"), {
    code: "BAD_MESSAGE",
    message: /instance i of saga "s" has version 4, and this program knows up to 3/,
  });
});
