/** `millrace read` and `millrace tail`: the messages of a stream. */

import { writeShown } from "../../../http/shown-json.ts";
import { EXIT, type ExitCode } from "../../../model/errors.ts";
import type { CommandContext, GlobalOptions } from "../../context.ts";
import { openSession } from "../../session.ts";
import { recordLine } from "./record-line.ts";

export interface ReadOptions extends GlobalOptions {
  readonly from: string;
  readonly limit?: number;
  readonly partition?: number;
  readonly type?: readonly string[];
  readonly key?: string;
}

export function read(
  context: CommandContext,
  options: ReadOptions,
  stream: string,
): Promise<ExitCode> {
  return show(context, options, stream, false);
}

/** Goes on until it is interrupted or the limit is reached. */
export function tail(
  context: CommandContext,
  options: ReadOptions,
  stream: string,
): Promise<ExitCode> {
  return show(context, options, stream, true);
}

async function show(
  { output, signal, ...context }: CommandContext,
  { from, limit, partition, type, key }: ReadOptions,
  stream: string,
  follow: boolean,
): Promise<ExitCode> {
  await using session = await openSession({ output, signal, ...context });
  if (follow && session.through === "directory") {
    output.note("no process runs here; only what this command itself sees will come");
  }
  const records = session.admin.read(stream, {
    from,
    follow,
    signal,
    ...(limit !== undefined && { limit }),
    ...(partition !== undefined && { partition }),
    ...(type !== undefined && { types: type }),
    ...(key !== undefined && { key }),
  });
  for await (const record of records) {
    await output.line(output.json ? writeShown(record) : recordLine(record));
  }
  signal.throwIfAborted();
  return EXIT.ok;
}
