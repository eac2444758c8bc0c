/** `millrace state`: an entity's state, now or at an earlier moment. */

import { withMember } from "../../../codecs/json-text.ts";
import { EXIT, type ExitCode } from "../../../model/errors.ts";
import type { CommandContext, GlobalOptions } from "../../context.ts";
import { openSession } from "../../session.ts";

export interface StateOptions extends GlobalOptions {
  readonly at?: string;
}

/** Ends with 4 where the entity has no events. */
export async function state(
  context: CommandContext,
  { at }: StateOptions,
  entity: string,
): Promise<ExitCode> {
  const { output } = context;
  await using session = await openSession(context);
  const shown = await session.admin.stateOf(entity, at === undefined ? {} : { at });
  const { stateJson, version, newest, last, ...rest } = shown;
  const facts = { ...rest, version, newest, ...(last !== undefined && { last }) };
  await output.line(output.json ? withMember(facts, "state", stateJson) : stateJson);
  if (!output.json) {
    const since =
      last === undefined ? "" : `, ${last.type} of ${new Date(last.time).toISOString()}`;
    output.note(`version ${version} of ${newest}${since}`);
  }
  return newest === 0 ? EXIT.notFound : EXIT.ok;
}
