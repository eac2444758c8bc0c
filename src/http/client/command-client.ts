/** Commands through the door; each goes as one line of fields, which takes any payload's text. */

import type { PublishRequest } from "../../admin/admin.ts";
import type { CommandAdmin } from "../../admin/api/command-admin.ts";
import { LINES_TYPE } from "../media-types.ts";
import { writePublishLine } from "../publish-line.ts";
import { readShown } from "../shown-json.ts";
import { parse } from "./reading.ts";
import type { DoorRequests } from "./requests.ts";

export function commandClient(door: DoorRequests): CommandAdmin {
  const posted = (command: PublishRequest) => ({
    body: writePublishLine(command),
    contentType: LINES_TYPE,
  });
  return {
    ask: async (command, { deadlineMs, signal } = {}) => {
      const deadline = deadlineMs === undefined ? undefined : `${deadlineMs}ms`;
      const more = { query: { deadline }, ...(signal !== undefined && { signal }) };
      return readShown(await door.answer("/commands", { ...posted(command), ...more }), "reply");
    },
    send: async (command) =>
      parse(await door.answer("/commands", { ...posted(command), query: { async: true } })),
  };
}
