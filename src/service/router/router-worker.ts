/**
 * A router at work: copies go out through the outbox, in the commit that settles the original;
 * deliveries to functions and sinks are effects, so one that was made is not made again because
 * another of the same message failed, and a replay makes none.
 */

import type { Clock } from "../../model/clock.ts";
import type { Message } from "../../model/message.ts";
import { textOf, badMessage } from "../failure.ts";
import type { AttributeChange, Attributes, RoutingFacts } from "../../schema/declaration.ts";
import { checkAttributes, factsOf, matchesAttributes } from "../../schema/routing.ts";
import type { EffectWrite, OutgoingMessage } from "../../store/write-set.ts";
import { AnswerBuffer } from "../effects/answer-buffer.ts";
import { EffectCalls } from "../effects/effect-calls.ts";
import type { Chance, Decision, WorkContext, Worker } from "../part.ts";
import { forward } from "./forward.ts";
import { holds, type CompiledRule, type Route } from "./rule.ts";

export interface RouterFacts {
  readonly name: string;
  readonly rules: readonly CompiledRule[];
  /** Whether a message goes by every rule that takes it, or by the first alone. */
  readonly mode: "first" | "all";
  /** What becomes of a message that no rule takes; undefined: it is counted. */
  readonly otherwise: CompiledRule | undefined;
  readonly clock: Clock;
}

type Call = Extract<Route, { readonly kind: "call" }>;

/** Where one message goes. */
interface Plan {
  readonly outgoing: readonly OutgoingMessage[];
  readonly calls: readonly Call[];
  readonly matched: boolean;
}

export class RouterWorker implements Worker {
  readonly #facts: RouterFacts;
  readonly #callsOut: boolean;
  readonly #buffer = new AnswerBuffer();

  constructor(facts: RouterFacts) {
    this.#facts = facts;
    const all = [...facts.rules, ...(facts.otherwise === undefined ? [] : [facts.otherwise])];
    this.#callsOut = all.some(({ route }) => route.kind === "call");
  }

  /** Keyless messages stand alone. */
  keyOf({ envelope }: Message): string {
    return envelope.key ?? envelope.id;
  }

  work(
    _key: string,
    messages: readonly Message[],
    context: WorkContext,
  ): Decision | Promise<Decision> {
    const routed = new Routed();
    if (this.#callsOut) return this.#workOutside(messages, context, routed);
    for (const message of messages) {
      try {
        routed.add(message, this.#plan(message, context));
      } catch (error) {
        return routed.decision({ error });
      }
    }
    return routed.decision();
  }

  async #workOutside(
    messages: readonly Message[],
    context: WorkContext,
    routed: Routed,
  ): Promise<Decision> {
    const { name: consumer } = this.#facts;
    for (const message of messages) {
      const { id } = message.envelope;
      const effects = new EffectCalls({ message: id, consumer, context, buffer: this.#buffer });
      try {
        const plan = this.#plan(message, context);
        for (const call of plan.calls) await this.#deliver(call, message, context, effects);
        routed.add(message, plan, effects.answers);
      } catch (error) {
        return routed.decision({ error }, effects.answers);
      }
    }
    return routed.decision();
  }

  #plan(message: Message, context: WorkContext): Plan {
    const facts = factsOf(message.envelope);
    const data = (): unknown => dataOf(message);
    const taking = this.#taking(facts, data);
    const routes = taking.length > 0 ? taking : [this.#facts.otherwise].filter((rule) => !!rule);
    const outgoing: OutgoingMessage[] = [];
    const calls: Call[] = [];
    let chance: Chance | undefined;
    for (const { what, route } of routes) {
      if (route.kind === "call") {
        calls.push(route);
        continue;
      }
      chance ??= context.chanceOf(message);
      const { target, set, as } = route;
      const id = chance.newId();
      if (as !== undefined) {
        outgoing.push(context.stamp(as(data(), facts), message, { to: target, id }));
      } else {
        const attributes = attributesOf(what, set, data, facts);
        outgoing.push(forward(message, { target, id, source: context.source, attributes }));
      }
    }
    return { outgoing, calls, matched: routes.length > 0 };
  }

  #taking(facts: RoutingFacts, data: () => unknown): readonly CompiledRule[] {
    const { rules, mode } = this.#facts;
    const takes = (rule: CompiledRule): boolean =>
      rule.types.has(facts.type) && holds(rule, data, facts, matchesAttributes);
    return mode === "all" ? rules.filter(takes) : [rules.find(takes)].filter((rule) => !!rule);
  }

  async #deliver(
    { name, to }: Call,
    message: Message,
    context: WorkContext,
    effects: EffectCalls,
  ): Promise<void> {
    const { clock, name: router } = this.#facts;
    await effects.run(`${router}/${name}`, async ({ idempotencyKey, signal }) => {
      const { nowMs } = context;
      if (typeof to !== "function") {
        await to.deliver(message, { idempotencyKey, signal, nowMs, clock });
        return;
      }
      await to(dataOf(message), {
        ...factsOf(message.envelope),
        idempotencyKey,
        signal,
        nowMs,
        clock,
        attempt: context.attemptOf(message),
      });
    });
  }
}

/** What the messages so far came to. */
class Routed {
  readonly #outgoing: OutgoingMessage[] = [];
  readonly #unmatched: string[] = [];
  readonly #effects: EffectWrite[] = [];
  #handled = 0;

  add(
    { envelope }: Message,
    { outgoing, matched }: Plan,
    effects: readonly EffectWrite[] = [],
  ): void {
    this.#outgoing.push(...outgoing);
    this.#effects.push(...effects);
    if (!matched) this.#unmatched.push(envelope.type);
    this.#handled++;
  }

  /** `effects` are those of the message that failed. */
  decision(failure?: { readonly error: unknown }, effects: readonly EffectWrite[] = []): Decision {
    this.#effects.push(...effects);
    return {
      writes: this.#effects.length === 0 ? {} : { effects: this.#effects },
      outgoing: this.#outgoing,
      handled: this.#handled,
      ...(this.#unmatched.length > 0 && { unmatched: this.#unmatched }),
      ...(failure && { failure }),
    };
  }
}

/** A payload that cannot be decoded never will be. */
function dataOf(message: Message): unknown {
  try {
    return message.data;
  } catch (cause) {
    throw badMessage(textOf(cause), { cause });
  }
}

function attributesOf(
  what: string,
  set: AttributeChange | undefined,
  data: () => unknown,
  facts: RoutingFacts,
): Attributes | undefined {
  if (typeof set !== "function") return set;
  const attributes = set(data(), facts);
  checkAttributes(`set of ${what}`, attributes);
  return attributes;
}
