/** What a running service offers for the pauses of its parts: kept first, then done. */

import type { Store } from "../../store/store.ts";
import type { RunningService } from "../running/running-service.ts";
import type { ServiceParts } from "../running/service-parts.ts";
import { pauseText, writePause } from "./pauses.ts";

export function pauseControls(
  parts: Pick<ServiceParts, "named">,
  store: Store,
): Pick<RunningService, "pause" | "resume"> {
  return {
    pause: async (name, pause) => {
      const part = parts.named(name);
      const isNew = await writePause(store, name, pause);
      await part.hold(pauseText(pause));
      return isNew;
    },
    resume: async (name) => {
      const part = parts.named(name);
      const wasPaused = await writePause(store, name, undefined);
      await part.release();
      return wasPaused;
    },
  };
}
