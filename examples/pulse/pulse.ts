/** The pulse service: three views of GitHub's activity, and an alert for repositories that heat up. */

import { consumer, document, service, view } from "millrace";
import { activity, alerts, RepositoryHeatedUp } from "./contract.ts";
import { COLD, heatUp, WINDOW_MS, type Heat } from "./heat.ts";

interface Tally {
  readonly count: number;
  readonly firstMs: number;
  readonly lastMs: number;
}

const NOTHING: Tally = { count: 0, firstMs: Number.MAX_SAFE_INTEGER, lastMs: 0 };

const counted = (tally: Tally, time: number): Tally => ({
  count: tally.count + 1,
  firstMs: Math.min(tally.firstMs, time),
  lastMs: Math.max(tally.lastMs, time),
});

export const byRepository = view("activity-by-repository", {
  from: activity,
  initial: NOTHING,
  index: ["count", "lastMs"],
  id: { ActivityRecorded: (each) => each.repo.name },
}).evolve({ ActivityRecorded: (tally, _, { time }) => counted(tally, time) });

export const byActor = view("activity-by-actor", {
  from: activity,
  initial: NOTHING,
  index: ["count", "lastMs"],
  id: { ActivityRecorded: (each) => each.actor.login },
}).evolve({ ActivityRecorded: (tally, _, { time }) => counted(tally, time) });

export const byType = view("activity-by-type", {
  from: activity,
  initial: NOTHING,
  index: ["count"],
  id: { ActivityRecorded: (each) => each.type },
}).evolve({ ActivityRecorded: (tally, _, { time }) => counted(tally, time) });

export const hotRepositories = view("hot-repositories", {
  from: alerts,
  initial: { alerts: 0, lastMs: 0 },
  index: ["alerts", "lastMs"],
}).evolve({
  RepositoryHeatedUp: (state, alert) => ({
    alerts: state.alerts + 1,
    lastMs: Math.max(state.lastMs, Date.parse(alert.at)),
  }),
});

const heats = document<Heat>("heats");

export const watch = consumer("watch", {
  from: activity,
  publishes: alerts,
  docs: { heats },
}).handle({
  ActivityRecorded: async (each, { time, docs, emit }) => {
    const repository = each.repo.name;
    const { heat, crossed } = heatUp((await docs.heats.get(repository)) ?? COLD, time);
    docs.heats.put(repository, heat);
    if (crossed) {
      const at = new Date(time).toISOString();
      emit(RepositoryHeatedUp({ repository, count: heat.timesMs.length, windowMs: WINDOW_MS, at }));
    }
  },
});

export const pulse = service("pulse", { byRepository, byActor, byType, hotRepositories, watch });
