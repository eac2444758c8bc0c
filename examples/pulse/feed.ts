/** Reads the events of the file, oldest line first. */

import { readFileSync } from "node:fs";
import type { InputOf } from "millrace";
import type { ActivityRecorded } from "./contract.ts";

export type Activity = InputOf<typeof ActivityRecorded>;

const FILE = new URL("data/events-2021-07-21.ndjson", import.meta.url);

export function readActivities(): Activity[] {
  const lines = readFileSync(FILE, "utf8").split("\n");
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line));
}
