/** `millrace/http`: the door in a server of one's own, and the admin API of another process. */

export type { Admin } from "../admin/admin.ts";
export { openAdminClient } from "./client.ts";
export type { ClientOptions } from "./client/requests.ts";
export type { Door } from "./door.ts";
export {
  createHandler,
  createNodeListener,
  type HandledApp,
  type Handler,
  type HandlerOptions,
} from "./handler.ts";
export type { DoorLimits } from "./limits.ts";
