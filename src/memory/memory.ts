/** `millrace/memory`: both ports in memory, for tests and for data that may go with its process. */

export { memoryBroker } from "./broker.ts";
export { memoryStore, type MemoryStoreOptions } from "./store.ts";
