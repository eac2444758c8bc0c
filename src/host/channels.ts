/** Moved to `service/start/channels.ts`. */

export { channelsOf, ensureChannels } from "../service/start/channels.ts";
