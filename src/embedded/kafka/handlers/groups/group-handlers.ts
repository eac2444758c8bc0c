/** Everything that is asked of groups and of what they have committed. */

import type { GroupBroker } from "../../kafka-broker.ts";
import type { Handlers } from "../handler.ts";
import { createDeleteGroups } from "./delete-groups.ts";
import { createDescribeGroups } from "./describe-groups.ts";
import { createListGroups } from "./list-groups.ts";
import { createMembershipHandlers } from "./membership.ts";
import { createOffsetCommit } from "./offset-commit.ts";
import { createOffsetDelete } from "./offset-delete.ts";
import { createOffsetFetch } from "./offset-fetch.ts";

export function createGroupHandlers(broker: GroupBroker): Handlers {
  return {
    ...createMembershipHandlers(broker),
    OffsetCommit: createOffsetCommit(broker),
    OffsetFetch: createOffsetFetch(broker),
    OffsetDelete: createOffsetDelete(broker),
    DescribeGroups: createDescribeGroups(broker),
    ListGroups: createListGroups(broker),
    DeleteGroups: createDeleteGroups(broker),
  };
}
