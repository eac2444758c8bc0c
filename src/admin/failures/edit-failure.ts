/**
 * Correcting a failure: a corrected copy goes to where the message came from, then the failure goes.
 *
 * In this order, so that a crash between the two leaves both and loses neither; the copy says what it
 * corrects. What waited behind the failure runs before the copy, which stands at the end of its key.
 */

import { MillraceError } from "../../model/errors.ts";
import { correctedAttributes } from "../../service/ask/command-id.ts";
import type { Failure, PublishRequest, Published, RepairOptions, Target } from "../admin.ts";
import type { Edited, FailureEdit } from "../api/edit-admin.ts";
import type { AdminContext } from "../context.ts";
import { findPart } from "../parts.ts";
import { prepareMessage } from "../prepare-message.ts";
import { publish } from "../publish.ts";
import { failurePlaces } from "./failure-places.ts";
import { findFailure } from "./failures.ts";

export async function editFailure(
  context: AdminContext,
  ref: string,
  edit: FailureEdit,
  { dryRun = false, by = "unknown" }: RepairOptions,
): Promise<Edited> {
  const { place, failure } = await findFailure(await failurePlaces(context), ref);
  const target = originOf(context, failure);
  const request = correctedCopy(context, failure, edit, target);
  if (dryRun) {
    prepareMessage(context, request);
    return { to: target, removed: false };
  }
  const published = await publishOne(context, request);
  const count = await place.discard([failure]);
  const facts = { action: "edit", ref, to: target, id: published.id, removed: count > 0, by };
  context.environment.log.info(facts, "a failure was corrected");
  return { to: target, published, removed: count > 0 };
}

function correctedCopy(
  { registry }: AdminContext,
  { envelope, ref, place, key: keyed }: Failure,
  { dataJson, type = envelope?.type, version = envelope?.version }: FailureEdit,
  to: Target,
): PublishRequest {
  if (type === undefined) {
    throw new MillraceError(
      "BAD_ARGUMENT",
      `the message of ${ref} has no type that can be read; say which type the corrected one has`,
      { details: { argument: "type", ref } },
    );
  }
  const { id, kind, correlation = id, time, actor, trace, replyTo, expires } = envelope ?? {};
  const extensions =
    envelope?.kind === "command" ? correctedAttributes(envelope) : envelope?.extensions;
  // The payload tells it where the type is declared so; a store's key may be that of a document.
  const told = registry.find(type)?.declaration.key !== undefined;
  const key = told ? undefined : (envelope?.key ?? (place === "queue" ? keyed : undefined));
  return {
    type,
    dataJson,
    to,
    ...(version !== undefined && { version }),
    ...(key !== undefined && { key }),
    ...(kind !== undefined && { kind }),
    ...(id !== undefined && { corrects: id, causation: id }),
    ...(correlation !== undefined && { correlation }),
    ...(time !== undefined && { time }),
    ...(actor !== undefined && { actor }),
    ...(trace !== undefined && { trace }),
    ...(replyTo !== undefined && { replyTo }),
    ...(expires !== undefined && { expires }),
    ...(extensions !== undefined && { extensions }),
  };
}

/** The stream or queue that the failed message came from. */
function originOf(context: AdminContext, { ref, place, input, part }: Failure): Target {
  if (place === "queue") return { kind: "queue", name: input };
  const from = (part === undefined ? undefined : findPart(context, part))?.part.from ?? [];
  const stream = input.slice(0, Math.max(0, input.lastIndexOf("/")));
  const origin = from.find(({ kind, name }) => name === (kind === "stream" ? stream : input));
  if (origin !== undefined) return { kind: origin.kind, name: origin.name };
  throw new MillraceError(
    "BAD_ARGUMENT",
    `${ref} came from ${input}, which is no stream or queue that its part reads, so there is nowhere to publish a corrected copy to; mend the code and redrive it, or discard it`,
    { details: { argument: "ref", ref, input } },
  );
}

async function publishOne(context: AdminContext, request: PublishRequest): Promise<Published> {
  const [outcome] = await publish(context, [request]);
  if (outcome?.ok === true) return outcome.value;
  throw outcome?.error ?? new MillraceError("CANCELLED", "the corrected copy was not published");
}
