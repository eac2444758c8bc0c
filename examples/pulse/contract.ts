/** What the outside sends, and what this service says: the contract of the pulse example. */

import { event, stream } from "millrace";
import { z } from "zod";

/**
 * One public GitHub event, as GitHub writes it. The wire keeps the whole of it; handlers get the
 * fields that are named here.
 */
export const ActivityRecorded = event(
  "github.activity-recorded",
  z.object({
    id: z.string(),
    type: z.string(),
    actor: z.object({ login: z.string() }),
    repo: z.object({ name: z.string() }),
    created_at: z.iso.datetime(),
  }),
  { key: (activity) => activity.repo.name },
);

/** A repository received `count` events within the window that ended with `at`. */
export const RepositoryHeatedUp = event(
  "pulse.repository-heated-up",
  z.object({
    repository: z.string(),
    count: z.number().int(),
    windowMs: z.number().int(),
    at: z.iso.datetime(),
  }),
  { key: (alert) => alert.repository },
);

/** A year's window of ids: the file may be published again at any time and counts once. */
export const activity = stream(
  "github-activity",
  { ActivityRecorded },
  { partitions: 4, keep: "3650d", dedupe: { count: 100_000, age: "365d" } },
);

export const alerts = stream(
  "pulse-alerts",
  { RepositoryHeatedUp },
  { partitions: 1, keep: "3650d" },
);
