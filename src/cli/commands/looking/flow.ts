/** `millrace flow`: one conversation, drawn as the tree of its causes. */

import type { FlowMessage, FlowPlace } from "../../../admin/api/flow-admin.ts";
import { printable } from "../../../host/text/printable.ts";
import { writeShownList } from "../../../http/shown-json.ts";
import { EXIT, type ExitCode } from "../../../model/errors.ts";
import type { CommandContext, GlobalOptions } from "../../context.ts";
import { openSession } from "../../session.ts";

export interface FlowOptions extends GlobalOptions {
  readonly since?: string;
  readonly scan?: number;
  readonly payloads?: boolean;
}

/** Ends with 4 where nothing belongs to it. */
export async function flow(
  context: CommandContext,
  { since, scan, payloads = false }: FlowOptions,
  correlation: string,
): Promise<ExitCode> {
  const { output, signal } = context;
  await using session = await openSession(context);
  const { messages, ...rest } = await session.admin.flow(correlation, {
    signal,
    ...(since !== undefined && { since }),
    ...(scan !== undefined && { scanMax: scan }),
  });
  if (output.json) await output.line(writeShownList("messages", messages, rest));
  else for (const line of treeLines(messages, payloads)) await output.line(line);
  const { cut, scanned } = rest;
  if (messages.length === 0)
    output.note(`nothing among ${scanned} messages belongs to ${correlation}`);
  if (cut !== undefined) output.note(`there may be more: ${cut}`);
  return messages.length === 0 ? EXIT.notFound : EXIT.ok;
}

/**
 * The lines of a tree from its messages in order. The branches are drawn from below, where it is
 * known whether a sibling follows.
 */
export function treeLines(messages: readonly FlowMessage[], payloads: boolean): string[] {
  const lines: string[] = [];
  /** By depth: whether another message of that depth stands below, under the same cause. */
  const below: boolean[] = [];
  for (const message of messages.toReversed()) {
    const { depth } = message;
    const branches = Array.from({ length: Math.max(0, depth - 1) }, (_, at) =>
      below[at + 1] === true ? "│  " : "   ",
    ).join("");
    const branch = depth === 0 ? "" : `${branches}${below[depth] === true ? "├─ " : "└─ "}`;
    if (payloads && message.dataJson !== undefined) {
      const stem = depth === 0 ? "" : `${branches}${below[depth] === true ? "│  " : "   "}`;
      lines.push(printable(`${stem}     ${message.dataJson}`));
    }
    lines.push(printable(`${branch}${messageText(message)}`));
    below[depth] = true;
    below.length = depth + 1;
  }
  return lines.toReversed();
}

function messageText({ id, envelope, places, undecodable, passed }: FlowMessage): string {
  if (envelope === undefined) {
    return passed === undefined
      ? `(no longer kept)  ${id}`
      : `${passed.type} (${passed.kind})  ${id}`;
  }
  const { type, kind, key, source, time } = envelope;
  const where = places.map(placeText).join(", ");
  const what = kind === "event" ? type : `${type} (${kind})`;
  const bad = undecodable === undefined ? "" : `  ${undecodable.code}`;
  return `${what}  ${key ?? "-"}  ${source}  ${new Date(time).toISOString()}  ${where}${bad}`;
}

function placeText(place: FlowPlace): string {
  if (place.at === "stream") return `${place.stream}[${place.partition}]@${place.offset}`;
  if (place.at === "store") return `${place.service}:${place.entity}#${place.version}`;
  return place.waiting ? `waits: ${place.ref}` : `failed: ${place.ref}`;
}
