import type { App } from "../../../src/host/app.ts";
import type { Opened } from "../driver.ts";
import { openCrashApp } from "../open-app.ts";
import { trips, workshop } from "./trips.ts";

export const COMPONENT = "saga";

export function runTrips(opened: Opened): Promise<App> {
  return openCrashApp(opened, COMPONENT, { services: [trips, workshop] });
}
