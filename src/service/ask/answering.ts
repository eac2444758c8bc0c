/**
 * Answers as part of a commit: what a unit decided about commands that somebody waits for.
 *
 * Beside what the decision writes itself, the same commit records the verdict of each such command in
 * the effect journal, and puts a reply on the lane of each that names an address. So an answer is told
 * if and only if what it says was done.
 */

import type { Environment } from "../../model/environment.ts";
import { isMillraceError } from "../../model/errors.ts";
import type { Message } from "../../model/message.ts";
import { VIA, viaOf } from "../../model/passing.ts";
import type { EffectWrite, OutgoingMessage } from "../../store/write-set.ts";
import { askersOf, type Arrival } from "../input/arrival.ts";
import type { Decision, Part } from "../part.ts";
import { createChance } from "../unit/chance.ts";
import { answeredId } from "./command-id.ts";
import { encodeReply, parseReplyAddress, replyJson, type ReplyData } from "./reply-message.ts";
import { DONE } from "./verdict.ts";
import { shifted, wroteOf } from "./wrote.ts";

/** The name under which the journal has a command's answer. No effect of a handler has it. */
export const ANSWER = "millrace.answer";

export interface AnsweringOptions {
  readonly service: string;
  readonly part: Part;
  readonly environment: Environment;
}

/**
 * The decision with the answers to its commands; itself where nobody waits for one. Throws BAD_PAYLOAD
 * where JSON cannot carry an answer, TOO_LARGE.
 */
export function withAnswers(
  decision: Decision,
  arrivals: readonly Arrival[],
  options: AnsweringOptions,
): Decision {
  let wrote: ReplyData["wrote"];
  const effects: EffectWrite[] = [];
  const replies: OutgoingMessage[] = [];
  for (let index = 0; index < decision.handled; index++) {
    const arrival = arrivals[index]!;
    const { message } = arrival;
    if (message?.envelope.kind !== "command") continue;
    const addressed = message.envelope.replyTo !== undefined;
    if (!addressed && !askersOf(arrival).some((asker) => asker.repeatable)) continue;
    wrote ??= wroteOf(decision.writes, decision.outgoing);
    const verdict = decision.verdicts?.[index] ?? DONE;
    const answer = { command: message.envelope.id, verdict, wrote };
    effects.push(recordOf(answer, options));
    const reply = addressed
      ? replyFor(message, { ...answer, wrote: shifted(wrote, replies.length) }, options)
      : undefined;
    if (reply !== undefined) replies.push(reply);
  }
  if (effects.length === 0) return decision;
  return {
    ...decision,
    writes: { ...decision.writes, effects: [...(decision.writes.effects ?? []), ...effects] },
    outgoing: [...decision.outgoing, ...replies],
  };
}

function recordOf(answer: ReplyData, { part, environment }: AnsweringOptions): EffectWrite {
  return {
    consumer: part.journal ?? part.consumer,
    message: answer.command,
    name: ANSWER,
    json: replyJson(answer),
    atMs: environment.clock.now(),
  };
}

/** Undefined where what the command gives as address is none: that must not keep it from being done. */
export function replyFor(
  { envelope }: Message,
  answer: ReplyData,
  { service, part, environment }: AnsweringOptions,
): OutgoingMessage | undefined {
  const { id, source, time, replyTo, expires, correlation, actor, trace } = envelope;
  const via = viaOf(envelope);
  try {
    const address = parseReplyAddress(replyTo ?? "");
    const message = encodeReply(
      {
        id: createChance([service, part.consumer, source, id, "reply"], time).newId(),
        source: service,
        time: environment.clock.now(),
        correlation: correlation ?? id,
        causation: id,
        ...(address.key !== undefined && { key: address.key }),
        ...(actor !== undefined && { actor }),
        ...(trace !== undefined && { trace }),
        ...(expires !== undefined && { expires }),
        ...(via !== undefined && { extensions: { [VIA]: via } }),
      },
      { ...answer, command: answeredId(envelope) },
    );
    return { target: { kind: "queue", name: address.queue }, message };
  } catch (error) {
    if (!isMillraceError(error, "BAD_ENVELOPE")) throw error;
    const facts = { part: part.name, id, replyTo };
    environment.log.warn(facts, "a reply has no address that could be one");
    return undefined;
  }
}
