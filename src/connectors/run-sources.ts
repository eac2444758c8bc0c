/** Running what is read into channels from outside: files, say. */

import type { Environment } from "../model/environment.ts";
import type { PublishInbound, Source } from "../service/inbound.ts";

/**
 * Starts all sources; disposing ends them in good order. One that fails is reported, and the others
 * go on: what it had read is published, and a restart goes on where it was.
 */
export function runSources(
  sources: readonly Source[],
  { publish, environment }: { readonly publish: PublishInbound; readonly environment: Environment },
): AsyncDisposable {
  const stop = new AbortController();
  const runs = sources.map(async (source) => {
    try {
      await source.run({ publish, environment, signal: stop.signal });
    } catch (error) {
      environment.log.error({ source: source.name, error }, "a source failed; the others go on");
    }
  });
  return {
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await Promise.all(runs);
    },
  };
}
