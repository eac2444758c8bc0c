/** The `curl` lines to try, made of what is declared here. */

import type { Description } from "../../admin/admin.ts";
import type { MessageType } from "../../schema/declaration.ts";
import type { Registry } from "../../schema/registry.ts";
import { examplePayload } from "./example.ts";

export interface TriedCommand {
  readonly what: string;
  readonly command: string;
}

const SIGNED = '-H "Authorization: Bearer $TOKEN"';

export function commandsToTry(
  registry: Registry,
  { services, streams }: Description,
): readonly TriedCommand[] {
  const [first] = streams.toSorted((a, b) => (a.spec.name < b.spec.name ? -1 : 1));
  const event = firstType(registry, "event");
  const command = firstType(registry, "command");
  const view = services.flatMap(({ parts }) => parts).find(({ kind }) => kind === "view");
  const tried: (TriedCommand | undefined)[] = [
    first && {
      what: "Follow a stream as CloudEvents",
      command: `curl -N "$DOOR/streams/${segment(first.spec.name)}/events?from=start" ${SIGNED}`,
    },
    event && {
      what: "Publish an event",
      command: `curl "$DOOR/events" ${SIGNED} -H "Content-Type: application/x-ndjson" \\\n  -d ${quoted({ type: event.type, data: examplePayload(event) })}`,
    },
    command && {
      what: "Ask a command",
      command: `curl "$DOOR/commands/${segment(command.type)}" ${SIGNED} -H "Content-Type: application/json" \\\n  -d ${quoted(examplePayload(command))}`,
    },
    view && {
      what: "Look into a view",
      command: `curl "$DOOR/views/${segment(view.name)}?limit=5" ${SIGNED}`,
    },
    {
      what: "All addresses, for tools",
      command: `curl "$DOOR/openapi.json" ${SIGNED}`,
    },
  ];
  return tried.filter((one) => one !== undefined);
}

function firstType(registry: Registry, kind: "event" | "command"): MessageType | undefined {
  return registry
    .types()
    .map(({ declaration }) => declaration)
    .find((declaration) => declaration.kind === kind);
}

/** Safe within double quotes too. */
function segment(name: string): string {
  return encodeURIComponent(name);
}

/** As one word of a shell. */
function quoted(value: unknown): string {
  return `'${JSON.stringify(value).replaceAll("'", "'\\''")}'`;
}
