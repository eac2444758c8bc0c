/** What services have to do with each other, as the contract lock keeps it. */

import type { ServiceContract } from "../schema/contract-lock.ts";
import type { Service } from "../service/part.ts";

export function contractsOf(services: readonly Service[]): readonly ServiceContract[] {
  return services.map(({ name, parts }) => ({
    name,
    publishes: [...new Set(parts.flatMap(({ publishes, sends }) => [...publishes, ...sends]))],
    reads: parts.flatMap(({ from, handles }) =>
      from.map((channel) => ({
        channel,
        types: Object.values(channel.types)
          .map(({ type }) => type)
          .filter((type) => handles.has(type)),
      })),
    ),
  }));
}
