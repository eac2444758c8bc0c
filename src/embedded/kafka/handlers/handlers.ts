/** Every request that is answered here, and who answers it. */

import type { KafkaBroker } from "../kafka-broker.ts";
import { createAdminHandlers } from "./admin/admin.ts";
import { createApiVersions } from "./api-versions.ts";
import { createFetch } from "./fetch.ts";
import { createFindCoordinator } from "./find-coordinator.ts";
import { createGroupHandlers } from "./groups/group-handlers.ts";
import type { Handlers } from "./handler.ts";
import { createListOffsets } from "./list-offsets.ts";
import { createMetadata } from "./metadata.ts";
import { createOffsetForLeaderEpoch } from "./offset-for-leader-epoch.ts";
import { createProduce } from "./produce.ts";
import { createSaslHandlers } from "./sasl.ts";
import { createTransactionHandlers } from "./transactions/transaction-handlers.ts";
import { createTransactionViews } from "./transactions/transaction-views.ts";

export function createHandlers(broker: KafkaBroker): Handlers {
  const handlers: Handlers = {
    ApiVersions: createApiVersions(broker, () => handlers),
    Metadata: createMetadata(broker),
    Produce: createProduce(broker),
    Fetch: createFetch(broker),
    ListOffsets: createListOffsets(broker),
    OffsetForLeaderEpoch: createOffsetForLeaderEpoch(broker),
    FindCoordinator: createFindCoordinator(broker),
    ...createTransactionHandlers(broker),
    ...createTransactionViews(broker),
    ...createAdminHandlers(broker),
    ...createGroupHandlers(broker),
    ...createSaslHandlers(),
  };
  return handlers;
}
