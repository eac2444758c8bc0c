/**
 * Records that stand for contents which a broker keeps and cannot read: written by strangers, whole as
 * far as a checksum says, and compressed or arranged in a way that nobody here understands.
 */

import { MillraceError } from "../model/errors.ts";
import type { Header, RawMessage } from "../model/message.ts";

/** The only header of such a record; its value says why. The record's value is what was written. */
export const UNREADABLE_HEADER = "millrace_unreadable";

/** Why such a record is no message; undefined for every other record. */
export function unreadableError({ headers }: RawMessage): MillraceError | undefined {
  const [name, reason]: Partial<Header> = headers[0] ?? [];
  if (name !== UNREADABLE_HEADER || typeof reason !== "string") return undefined;
  return new MillraceError(
    "UNSUPPORTED_CONTENT",
    `its producer wrote a batch of records that cannot be read (${reason}); the batch is kept as it came, so discard this, and have the producer send the records again with a codec that Kafka knows`,
    { details: { reason } },
  );
}
