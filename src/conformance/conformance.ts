/**
 * `millrace/conformance`: what a broker or store must do, and what the laws say of services on them,
 * for those who write one.
 */

export { runBrokerConformance, type BrokerConformanceOptions } from "./broker-conformance.ts";
export type { BrokerContext, BrokerNeed, BrokerPlace, Fault, TestTime } from "./broker-case.ts";
export type { Note, TestFunction } from "./case.ts";
export { runLawConformance, type LawConformanceOptions } from "./law-conformance.ts";
export type { LawContext, LawFault, LawNeed, LawPlace, LawTime } from "./law-case.ts";
export { runStoreConformance, type StoreConformanceOptions } from "./store-conformance.ts";
export type { StoreContext, StoreNeed, StorePlace } from "./store-case.ts";
