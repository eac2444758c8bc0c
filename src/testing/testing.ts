/** `millrace/testing`: cases of pure parts, virtual time, and services at work in a test. */

export { createTestEnvironment, type LogEntry, type TestEnvironment } from "./environment.ts";
export { given } from "./given/given.ts";
export type { Moment } from "./given/case-message.ts";
export type { DeciderCase, DecidedCase } from "./given/given-decider.ts";
export type { ReactedCase, SagaCase } from "./given/given-saga.ts";
export type { ViewCase } from "./given/given-view.ts";
export { openScenario, type Scenario, type ScenarioOptions } from "./scenario.ts";
export {
  openTestService,
  type TestPorts,
  type TestService,
  type TestServiceOptions,
} from "./test-service.ts";
export { realIo } from "./real-io.ts";
export {
  createVirtualClock,
  type RealIo,
  type RunOptions,
  type VirtualClock,
} from "./virtual-clock.ts";
