/** Whether a process is ready: every part runs, and nothing that it takes from stands still. */

import type { ServiceDescription } from "../admin/admin.ts";

/** A sentence for each reason why not; none where it is. */
export function reasonsNotReady(services: readonly ServiceDescription[]): readonly string[] {
  return services.flatMap(({ name, status }) =>
    status.flatMap((part) => {
      const who = `${name}.${part.name}`;
      if (part.held !== undefined) return [`${who} is paused: ${part.held}`];
      const inputs = part.inputs.flatMap(({ input, paused, unpublished }) => [
        ...(paused === undefined ? [] : [`${who} pauses on ${input}: ${paused}`]),
        ...(unpublished === undefined ? [] : [`${who} cannot publish: ${unpublished}`]),
      ]);
      const runs = part.state === "running" || (part.state === "paused" && inputs.length > 0);
      return runs ? inputs : [`${who} is ${part.state}`, ...inputs];
    }),
  );
}
