/** Commands as text: to the service that handles them, with an answer or without. */

import { jsonCodec } from "../codecs/json.ts";
import { MillraceError } from "../model/errors.ts";
import type { Answer } from "../service/ask/answer.ts";
import { documentJson } from "../service/document-json.ts";
import type { Published, PublishRequest } from "./admin.ts";
import type { AskOptions, ShownAnswer } from "./api/command-admin.ts";
import type { AdminContext, AskElsewhere } from "./context.ts";
import { prepareMessage } from "./prepare-message.ts";
import { publish } from "./publish.ts";

const DEADLINE_MS = 10_000;

/** Durable in its queue; its answer, if it has one, goes where the command says. */
export async function sendCommand(
  context: AdminContext,
  command: PublishRequest,
): Promise<Published> {
  requireCommand(context, command);
  const [outcome] = await publish(context, [command]);
  if (outcome?.ok === true) return outcome.value;
  throw outcome?.error ?? new MillraceError("CANCELLED", "the command was not sent");
}

export async function askCommand(
  context: AdminContext,
  command: PublishRequest,
  { deadlineMs = DEADLINE_MS, signal }: AskOptions,
): Promise<ShownAnswer> {
  requireCommand(context, command);
  const { type, dataJson, version, id, correlation, causation, actor, trace, to } = command;
  const { declaration, channels } = context.registry.get(type);
  // It goes to whoever handles the type: another address must not seem to be heard, nor be what is
  // asked about when the rules are.
  if (
    to !== undefined &&
    !channels.some(({ kind, name }) => kind === to.kind && name === to.name)
  ) {
    throw new MillraceError(
      "BAD_ARGUMENT",
      `${type} is asked at its own address, ${channels.map(({ name }) => name).join(", ")}, not at ${JSON.stringify(to.name.slice(0, 100))}; leave the address out`,
      { details: { argument: "to", type } },
    );
  }
  if (version !== undefined && version !== declaration.version) {
    throw new MillraceError(
      "BAD_ARGUMENT",
      `a command is asked in its newest form, version ${declaration.version} of ${type}, not ${version}; leave the version out`,
      { details: { argument: "version", type } },
    );
  }
  // Refused here with the field's name, before anybody is asked.
  prepareMessage(context, command);
  const data = jsonCodec(declaration.jsonSchema).decode(new TextEncoder().encode(dataJson));
  const ask = askerOf(context, type);
  const asked = ask(
    { type, data },
    {
      deadlineMs,
      ...(id !== undefined && { id }),
      ...(correlation !== undefined && { correlation }),
      ...(causation !== undefined && { causation }),
      ...(actor !== undefined && { actor }),
      ...(trace !== undefined && { trace }),
    },
  );
  return shown(await unlessAborted(asked, signal));
}

function requireCommand({ registry }: AdminContext, { type, to }: PublishRequest): void {
  const known = registry.find(type) ?? (to === undefined ? registry.get(type) : undefined);
  if (to?.kind !== "stream" && (known === undefined || known.declaration.kind === "command"))
    return;
  throw new MillraceError(
    "BAD_ARGUMENT",
    `${type.slice(0, 100)} is no command with a queue as its address; publish it`,
    { details: { argument: "type", type: type.slice(0, 100) } },
  );
}

/** The short way where the handler runs here. */
function askerOf({ services, askElsewhere }: AdminContext, type: string): AskElsewhere {
  const found = services().find((service) => service.handles(type));
  if (found !== undefined) return (draft, options) => found.ask(draft, options);
  if (askElsewhere !== undefined) return askElsewhere;
  throw new MillraceError(
    "UNREACHABLE",
    `no service at work in this process handles ${type}; start it, or send the command, which then waits in its queue`,
    { details: { type } },
  );
}

function shown(answer: Answer): ShownAnswer {
  if (!answer.ok) return { ok: false, refusal: answer.refusal };
  const { token, reply } = answer;
  return { ok: true, token, ...(reply !== undefined && { replyJson: documentJson(reply) }) };
}

/** The command goes on; only the waiting ends. */
async function unlessAborted<Result>(
  work: Promise<Result>,
  signal: AbortSignal | undefined,
): Promise<Result> {
  if (signal === undefined) return work;
  const left = Promise.withResolvers<never>();
  const leave = (): void => left.reject(signal.reason);
  if (signal.aborted) leave();
  signal.addEventListener("abort", leave, { once: true });
  try {
    return await Promise.race([work, left.promise]);
  } finally {
    signal.removeEventListener("abort", leave);
    work.catch(() => undefined);
  }
}
