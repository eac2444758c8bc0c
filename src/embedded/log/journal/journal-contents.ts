/**
 * What a journal has to say after a crash: which entries the segments may lack, and which of these are
 * damaged.
 *
 * One entry is written at a time, and each says from which one on the segments may lack something. So
 * the newest whole entry and those from there up to it were all synced, and nothing else matters: what
 * is older is home, and of anything newer nobody was told. One of them that is missing or not whole is
 * damage. What a torn write has destroyed is either the end of the journal or, where a half is used
 * again, entries that the newest whole one no longer asks for.
 */

import {
  ALIGNED_BYTES,
  isPartIntact,
  readEntry,
  readHead,
  type JournalEntry,
} from "./journal-entry.ts";

export interface JournalContents {
  /** The oldest first. Parts that are damaged stand in them with `intact` false. */
  readonly entries: readonly JudgedEntry[];
  /** What is wrong, in words; empty where nothing is. */
  readonly damage: readonly string[];
}

export interface JudgedEntry extends JournalEntry {
  readonly parts: readonly JudgedPart[];
}

export type JudgedPart = JournalEntry["parts"][number] & { readonly intact: boolean };

export function readJournal(journal: Buffer): JournalContents {
  const head = readHead(journal);
  if (head === undefined) return { entries: [], damage: ["its head is not what was written"] };
  const found = new Map<number, JudgedEntry>();
  for (let at = ALIGNED_BYTES; at < journal.length; at += ALIGNED_BYTES) {
    const entry = readEntry(journal, at, head.id);
    if (entry !== undefined) found.set(entry.sequence, judged(entry));
  }
  const newest = [...found.values()].reduce<JudgedEntry | undefined>(
    (last, entry) => (isWhole(entry) && entry.sequence > (last?.sequence ?? 0) ? entry : last),
    undefined,
  );
  if (newest === undefined) return { entries: [], damage: [] };
  const entries: JudgedEntry[] = [];
  const damage: string[] = [];
  for (let sequence = newest.neededFrom; sequence <= newest.sequence; sequence++) {
    const entry = found.get(sequence);
    if (entry === undefined) damage.push(`entry ${sequence} is not there`);
    else {
      entries.push(entry);
      for (const { path, firstOffset, nextOffset, intact } of entry.parts) {
        if (intact) continue;
        damage.push(
          `entry ${sequence} is damaged in ${path}, offsets ${firstOffset} to ${nextOffset - 1}`,
        );
      }
    }
  }
  return { entries, damage };
}

function judged(entry: JournalEntry): JudgedEntry {
  const parts = entry.parts.map((part) => Object.assign(part, { intact: isPartIntact(part) }));
  return { ...entry, parts };
}

function isWhole({ parts }: JudgedEntry): boolean {
  return parts.every(({ intact }) => intact);
}
