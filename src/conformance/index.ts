/**
 * `millrace/conformance`: the suites by which every broker and store is judged, for third parties
 * that write one. They are tied to no test runner; see `runBrokerConformance` for a set-up.
 */

export { runBrokerConformance, type BrokerConformanceOptions } from "./broker-conformance.ts";
export type { BrokerPlace, BrokerTopic, Fault, TestTime } from "./broker-case.ts";
export type { ConformanceCase, Note, TestFunction, Topic } from "./case.ts";
export { runStoreConformance, type StoreConformanceOptions } from "./store-conformance.ts";
export type { StorePlace, StoreTopic } from "./store-case.ts";
