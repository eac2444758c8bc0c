import type { App } from "../../../src/host/app.ts";
import type { Opened } from "../driver.ts";
import { openCrashApp } from "../open-app.ts";
import { createHooks, type HooksOptions } from "./hooks.ts";

export const COMPONENT = "webhook";

/** With a door, where posts are taken. */
export function runHooks(
  opened: Opened,
  { door, ...options }: HooksOptions & { readonly door: boolean },
): Promise<App> {
  const { partner, inbox } = createHooks(options);
  const http = door ? { port: 0, webhooks: [inbox] } : false;
  return openCrashApp(opened, COMPONENT, { services: [partner], http });
}
