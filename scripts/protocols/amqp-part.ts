/** The part of docs/protocols.md on AMQP. */

import {
  ANNOTATIONS_READ,
  ANNOTATIONS_WRITTEN,
  CAPABILITIES,
  DECLINED,
  FILTERS,
  OUTCOMES,
  PERFORMATIVES,
  type SpokenRow,
} from "../../src/embedded/amqp/differences.ts";
import { list, table } from "./markdown.ts";

export function amqpPart(): string {
  return `## AMQP 1.0

Queues, their dead letters and streams are addresses. [amqp.md](amqp.md) says which, and what becomes of messages; here stands what of the standard (OASIS, 2012) is spoken.

### Performatives

${rowsOf("performative", PERFORMATIVES)}

### Outcomes of a delivery from a queue

${rowsOf("outcome", OUTCOMES)}

A sender is answered with accepted, or with rejected and the reason; released says that its link had ended.

### Capabilities

${rowsOf("capability", CAPABILITIES)}

### Filters

${rowsOf("filter", FILTERS)}

### Annotations of messages

Read:

${rowsOf("annotation", ANNOTATIONS_READ)}

Written; all others are given on as they came:

${rowsOf("annotation", ANNOTATIONS_WRITTEN)}

### What is declined

${list(DECLINED)}
`;
}

function rowsOf(what: string, rows: readonly SpokenRow[]): string {
  return table(
    [what, "means"],
    rows.map(({ name, means }) => [`\`${name}\``, means]),
  );
}
