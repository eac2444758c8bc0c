/** What the thread that unpacks batches is asked, and what it answers. */

import type { BatchHeader } from "../format/batch-decoder.ts";
import { openContents, UnreadableBatch, walkRecords } from "../format/batch-contents.ts";
import { beyondBounds, type BrokenRecords, type RecordBounds } from "./record-bounds.ts";

export interface UnpackTask {
  readonly id: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly header: BatchHeader;
  /** Asks whether the records keep to them, instead of for the contents. */
  readonly bounds?: RecordBounds | undefined;
}

export type UnpackResult =
  | { readonly kind: "contents"; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly kind: "looked"; readonly broken: BrokenRecords }
  | { readonly kind: "unreadable"; readonly text: string };

export type UnpackAnswer = UnpackResult & { readonly id: number };

/** Every length in the contents has been looked at. */
export function runUnpackTask({ bytes, header, bounds }: Omit<UnpackTask, "id">): UnpackResult {
  try {
    const batch = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    const contents = openContents(batch, 0, header);
    if (bounds !== undefined) {
      return { kind: "looked", broken: beyondBounds(contents, header, bounds) };
    }
    walkRecords(contents, header, () => undefined);
    const { buffer, start, end } = contents;
    // Memory of the contents alone, which can be handed over.
    const own = buffer.buffer.byteLength > Buffer.poolSize && buffer.buffer instanceof ArrayBuffer;
    const unpacked = own
      ? new Uint8Array(buffer.buffer, buffer.byteOffset + start, end - start)
      : new Uint8Array(buffer.subarray(start, end));
    return { kind: "contents", bytes: unpacked };
  } catch (error) {
    if (!(error instanceof UnreadableBatch)) throw error;
    return { kind: "unreadable", text: error.message };
  }
}
