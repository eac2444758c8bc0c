import { isDiskFull } from "../disks/error-code.ts";
import type { CommitJournal, JournalClient } from "../journal/commit-journal.ts";
import type { SegmentWriter, WrittenGroup } from "../segment/segment-writer.ts";

/**
 * Writes a group that the journal has admitted to its segment, and makes it durable in the journal.
 * False where the journal had no place after all: then the segment has to be synced. What a full disk
 * has refused counts as not written.
 */
export async function writeShared(
  journal: CommitJournal,
  {
    client,
    writer,
    group,
  }: {
    readonly client: JournalClient;
    readonly writer: SegmentWriter;
    readonly group: WrittenGroup;
  },
): Promise<boolean> {
  const { bytes: position, nextOffset: firstOffset, segment } = writer;
  try {
    await writer.write(group, false);
  } catch (error) {
    journal.withdraw();
    throw error;
  }
  const { nextOffset, oldestMs, newestMs, producers } = writer.reached;
  try {
    const durable = await journal.commit(client, {
      baseOffset: segment.baseOffset,
      position,
      bytes: group.bytes,
      firstOffset,
      nextOffset,
      oldestMs,
      newestMs,
      producers,
      batches: group.batches.map((batch) => batch.bytes),
    });
    if (durable) writer.journalled();
    return durable;
  } catch (error) {
    if (isDiskFull(error)) writer.takeBack();
    throw error;
  }
}
