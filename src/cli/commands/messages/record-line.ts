/** A record as a line for people: where it stands, when it came, its key and what it says. */

import type { ShownMessage, ShownRecord } from "../../../admin/admin.ts";
import { printable } from "../../../host/text/printable.ts";

/**
 * One line, harmless to a terminal. What no service of Millrace has written shows its value too, with
 * the reason behind it: a plain record of a Kafka client is read here as well.
 */
export function recordLine(record: ShownRecord): string {
  const { stream, partition, offset, appendedMs, key, envelope, dataJson, undecodable } = record;
  const time = new Date(envelope?.time ?? appendedMs).toISOString();
  const content =
    undecodable === undefined
      ? `${envelope?.type ?? "-"}  ${key ?? "-"}  ${dataJson ?? "-"}`
      : `undecodable  ${key ?? "-"}  ${dataJson ?? valueText(undecodable)}  (${undecodable.code}: ${undecodable.message})`;
  return printable(`${stream}[${partition}]@${offset}  ${time}  ${content}`);
}

/** The value as text where it is text, otherwise as base64. */
function valueText({ valueBase64 }: NonNullable<ShownMessage["undecodable"]>): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.from(valueBase64, "base64"));
  } catch {
    return `base64:${valueBase64}`;
  }
}
