/**
 * Scenarios: several services at work together, in one process, on virtual time.
 *
 * Everything is as in `openApp`, but that brokers and stores are in memory unless said and time moves
 * only when the test awaits something of the scenario. So an hour's timeout takes no time, and two
 * runs with one seed are the same to the last id.
 */

import { openApp, type App } from "../host/app.ts";
import type { AppOptions } from "../host/options.ts";
import { memoryBroker } from "../memory/broker.ts";
import { memoryStore } from "../memory/store.ts";
import { durationMs, type Duration } from "../schema/duration.ts";
import { createTestEnvironment, type TestEnvironment } from "./environment.ts";
import type { RunOptions } from "./virtual-clock.ts";

export interface ScenarioOptions extends Partial<Omit<AppOptions, "services" | "environment">> {
  readonly services: AppOptions["services"];
  /** Shared with another scenario, before and after a restart say; a new one unless given. */
  readonly environment?: TestEnvironment;
  /** How to run where brokers or stores do real I/O. */
  readonly run?: RunOptions;
}

/** What a scenario takes over from the app. Each moves time until its promise is settled. */
type Driven = Pick<App, "ask" | "send" | "publish" | "get" | "find" | "settled">;

export interface Scenario extends Driven, AsyncDisposable {
  /** The app itself; what it promises is kept only while time moves: await it through `until`. */
  readonly app: App;
  readonly environment: TestEnvironment;
  /** Moves time by so much, whatever is under way; `settled` waits for it to come to rest. */
  pass(duration: Duration): Promise<void>;
  /** Awaits anything while time moves. */
  until<Result>(work: Promise<Result>): Promise<Result>;
  /** Stops the services and closes everything. Idempotent. */
  close(): Promise<void>;
}

/**
 * Opens the services. Throws as `openApp` does.
 *
 * Unless an environment is given every scenario begins at the same time with the same seed: ids are
 * the same in every test and every run, and so may stand in what a test expects. For others, give
 * `environment: createTestEnvironment({ seed })`.
 */
export async function openScenario(options: ScenarioOptions): Promise<Scenario> {
  const { environment = createTestEnvironment(), run, ...rest } = options;
  const { clock } = environment;
  const until = <Result>(work: Promise<Result>): Promise<Result> => clock.run(work, run);
  const own = rest.streams === undefined || rest.queues === undefined;
  const app = await until(
    openApp({
      ...(own && { broker: memoryBroker() }),
      store: memoryStore(),
      ...rest,
      environment,
    }),
  );
  /** The app's method, driven; `this` and the overloads are the app's own. */
  const drive =
    (name: keyof Driven) =>
    (...args: readonly any[]): Promise<any> => {
      const method: (...args: readonly any[]) => Promise<any> = app[name].bind(app);
      return until(method(...args));
    };
  const close = (): Promise<void> => until(app.close());
  return {
    app,
    environment,
    ask: drive("ask"),
    send: drive("send"),
    publish: drive("publish"),
    get: drive("get"),
    find: drive("find"),
    settled: drive("settled"),
    pass: async (duration) => {
      const passed = Promise.withResolvers<void>();
      const ms = durationMs(duration, "the time that passes");
      clock.after(ms, passed.resolve);
      // However long it is: it was asked for.
      await clock.run(passed.promise, { ...run, maxMs: ms + (run?.io?.stepMs ?? 0) });
    },
    until,
    close,
    [Symbol.asyncDispose]: close,
  };
}
