/** What a running service offers for its parked messages, over the store and the inputs at work. */

import type { ParkedMessage, Store } from "../../store/store.ts";
import type { RunningService } from "../running/running-service.ts";
import type { ServiceParts } from "../running/service-parts.ts";

const PAGE = 1_000;

export function parkedControls(
  parts: Pick<ServiceParts, "all" | "allNamed">,
  store: Store,
): Pick<RunningService, "listParked" | "redriveParked" | "discardParked"> {
  /** Inputs know how many rows wait, and for which keys: they look again. */
  const refresh = async (): Promise<void> => {
    const inputs = parts.all.flatMap(({ runtime }) => [...runtime.inputs.values()]);
    await Promise.all(inputs.map(({ engine }) => engine.refreshParked()));
  };
  return {
    listParked: async (name) => {
      const rows = [];
      for (const { runtime } of parts.allNamed(name)) {
        rows.push(...(await parkedOf(store, runtime.part.consumer)));
      }
      return rows;
    },
    redriveParked: async (rows) => {
      const count = await store.redriveParked(rows);
      await refresh();
      return count;
    },
    discardParked: async (rows) => {
      const count = await store.discardParked(rows);
      await refresh();
      return count;
    },
  };
}

async function parkedOf(store: Store, consumer: string): Promise<readonly ParkedMessage[]> {
  const rows: ParkedMessage[] = [];
  for (let after = 0; ;) {
    const page = await store.listParked({ consumer, after, limit: PAGE });
    rows.push(...page);
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return rows;
    after = last.row;
  }
}
