/** The totals of all views, against totals counted from the file by a few lines that share no code. */

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { openApp } from "millrace";
import { embedded } from "millrace/embedded";
import { sqlite } from "millrace/sqlite";
import { ActivityRecorded } from "./contract.ts";
import { readActivities } from "./feed.ts";
import { HOT_COUNT, WINDOW_MS } from "./heat.ts";
import { byActor, byRepository, byType, hotRepositories, pulse } from "./pulse.ts";

interface Raw {
  readonly type: string;
  readonly created_at: string;
  readonly actor: { readonly login: string };
  readonly repo: { readonly name: string };
}

/** Counted from the file alone. */
function expectedTotals(): Record<
  "repositories" | "actors" | "types" | "alerts",
  Map<string, number>
> {
  const raws: Raw[] = readFileSync(
    new URL("data/events-2021-07-21.ndjson", import.meta.url),
    "utf8",
  )
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  const count = (name: (raw: Raw) => string): Map<string, number> =>
    new Map([...Map.groupBy(raws, name)].map(([key, group]) => [key, group.length]));
  const alerts = new Map<string, number>();
  for (const [repository, group] of Map.groupBy(raws, (raw) => raw.repo.name)) {
    const times = group.map((raw) => Date.parse(raw.created_at));
    const sizes = times.map((_, index) => {
      const newest = Math.max(...times.slice(0, index + 1));
      return times.slice(0, index + 1).filter((time) => newest - time < WINDOW_MS).length;
    });
    const crossings = sizes.filter(
      (size, index) => size >= HOT_COUNT && (sizes[index - 1] ?? 0) < HOT_COUNT,
    );
    if (crossings.length > 0) alerts.set(repository, crossings.length);
  }
  return {
    repositories: count((raw) => raw.repo.name),
    actors: count((raw) => raw.actor.login),
    types: count((raw) => raw.type),
    alerts,
  };
}

// proves: live-analytics
test("every total of the views equals the total counted from the file, also when it is published twice", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "millrace-pulse-"));
  try {
    await using app = await openApp({
      services: [pulse],
      broker: embedded({ directory: join(directory, "broker") }),
      store: sqlite({ directory: join(directory, "stores") }),
      log: { level: "warn" },
    });
    const activities = readActivities();
    for (const round of ["first", "second"]) {
      const published = await Promise.all(
        activities.map((each) =>
          app.publish(ActivityRecorded(each), { id: each.id, time: Date.parse(each.created_at) }),
        ),
      );
      const duplicates = published.filter(({ duplicate }) => duplicate).length;
      assert.equal(duplicates, round === "first" ? 0 : activities.length);
    }
    await app.settled();

    const expected = expectedTotals();
    const views = { repositories: byRepository, actors: byActor, types: byType } as const;
    for (const name of ["repositories", "actors", "types"] as const) {
      const found = new Map<string, number>();
      for (const key of expected[name].keys()) {
        found.set(key, (await app.get(views[name], key))?.count ?? 0);
      }
      const sum = [...found.values()].reduce((total, count) => total + count, 0);
      t.diagnostic(
        `${name}: ${found.size} keys, ${sum} events; from the file: ${expected[name].size} keys`,
      );
      assert.deepEqual(found, expected[name]);
      assert.equal(sum, 800);
    }
    const hot = await app.find(hotRepositories, { limit: 1000 });
    const alerts = new Map(hot.documents.map(({ id, data }) => [id, data.alerts]));
    t.diagnostic(`alerts: ${alerts.size} repositories; from the file: ${expected.alerts.size}`);
    assert.ok(expected.alerts.size > 0);
    assert.deepEqual(sorted(alerts), sorted(expected.alerts));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

function sorted(map: ReadonlyMap<string, number>): [string, number][] {
  return [...map].toSorted(([a], [b]) => (a < b ? -1 : 1));
}
