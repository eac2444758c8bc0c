/** What a running service offers for its views' generations, over their keepers. */

import type { Store } from "../../store/store.ts";
import type { ViewControls } from "../running/running-service.ts";
import type { ServiceParts } from "../running/service-parts.ts";
import type { ViewKeeper } from "./view-keeper.ts";
import type { Generation } from "./view-record.ts";
import { generationStatus, viewStatus, type GenerationStatus } from "./view-status.ts";

export function viewControls(
  parts: Pick<ServiceParts, "view" | "views">,
  store: Store,
): ViewControls {
  const changed = async (
    view: string,
    change: (keeper: ViewKeeper) => Promise<Generation>,
  ): Promise<GenerationStatus> => {
    const keeper = parts.view(view);
    return generationStatus(keeper, store, await change(keeper));
  };
  return {
    listViews: () => Promise.all(parts.views.map((keeper) => viewStatus(keeper, store))),
    rebuildView: (view) => changed(view, (keeper) => keeper.rebuild()),
    swapView: (view, generation) => changed(view, (keeper) => keeper.swap(generation)),
    dropView: (view, generation) => changed(view, (keeper) => keeper.drop(generation)),
    pauseBuild: (view) => changed(view, (keeper) => keeper.pauseBuilding(true)),
    resumeBuild: (view) => changed(view, (keeper) => keeper.pauseBuilding(false)),
  };
}
