/** Tells a parent process which source files this one loads, so that the parent can watch them. */

import { registerHooks } from "node:module";
import { fileURLToPath } from "node:url";

/** Reports every file outside `node_modules` from now on, also one that then fails to load. */
export function reportModules(report: (path: string) => void): void {
  registerHooks({
    load(url, context, nextLoad) {
      if (url.startsWith("file:") && !url.includes("/node_modules/")) {
        report(fileURLToPath(url));
      }
      return nextLoad(url, context);
    },
  });
}
