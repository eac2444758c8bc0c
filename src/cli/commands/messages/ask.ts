/** `millrace ask` and `millrace send`: one command to the service that handles it. */

import { text as readAll } from "node:stream/consumers";
import type { PublishRequest } from "../../../admin/admin.ts";
import type { ShownAnswer } from "../../../admin/api/command-admin.ts";
import { EXIT, MillraceError, type ExitCode } from "../../../model/errors.ts";
import { withMember } from "../../../codecs/json-text.ts";
import type { CommandContext, GlobalOptions } from "../../context.ts";
import { parseDurationMs } from "../../input/duration.ts";
import { parseTarget } from "../../input/message-input.ts";
import { openSession } from "../../session.ts";
import { shownPlace } from "./publish.ts";

export interface SendOptions extends GlobalOptions {
  readonly id?: string;
  readonly key?: string;
  readonly actor?: string;
  readonly to?: string;
}

export interface AskOptions extends SendOptions {
  readonly deadline: string;
}

export async function send(
  context: CommandContext,
  options: SendOptions,
  type: string,
  json?: string,
): Promise<ExitCode> {
  const { output } = context;
  const request = await readCommand(context, options, type, json);
  await using session = await openSession(context, { ensure: true });
  const published = await session.admin.send(request);
  await output.result(published, shownPlace(published));
  return EXIT.ok;
}

/** A refusal is an answer, so it goes to standard output; the exit code is 1. */
export async function ask(
  context: CommandContext,
  options: AskOptions,
  type: string,
  json?: string,
): Promise<ExitCode> {
  const { output, signal } = context;
  const deadlineMs = parseDurationMs(options.deadline, "--deadline");
  const request = await readCommand(context, options, type, json);
  await using session = await openSession(context, { ensure: true });
  const answer = await session.admin.ask(request, { deadlineMs, signal });
  await output.line(output.json ? answerJson(answer) : answerText(answer));
  return answer.ok ? EXIT.ok : EXIT.failed;
}

async function readCommand(
  { stdin }: CommandContext,
  { id, key, actor, to }: SendOptions,
  type: string,
  json: string | undefined,
): Promise<PublishRequest> {
  if (json === undefined && stdin.isTTY) {
    throw new MillraceError(
      "BAD_ARGUMENT",
      `the payload of ${type} is missing; give it as JSON after the type, or on standard input`,
    );
  }
  return {
    type,
    dataJson: json ?? (await readAll(stdin)),
    ...(id !== undefined && { id }),
    ...(key !== undefined && { key }),
    ...(actor !== undefined && { actor }),
    ...(to !== undefined && { to: parseTarget(to) }),
  };
}

function answerJson(answer: ShownAnswer): string {
  if (!answer.ok || answer.replyJson === undefined) return JSON.stringify(answer);
  const { replyJson, ...rest } = answer;
  return withMember(rest, "reply", replyJson);
}

function answerText(answer: ShownAnswer): string {
  if (answer.ok) return answer.replyJson ?? `done  ${answer.token}`;
  const { code, message } = answer.refusal;
  return message === undefined ? `refused: ${code}` : `refused: ${code}: ${message}`;
}
