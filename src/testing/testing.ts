/** `millrace/testing`: virtual time, and services at work in a test. */

export { createTestEnvironment, type LogEntry, type TestEnvironment } from "./environment.ts";
export {
  openTestService,
  type TestPorts,
  type TestService,
  type TestServiceOptions,
} from "./test-service.ts";
export { createVirtualClock, type RunOptions, type VirtualClock } from "./virtual-clock.ts";
