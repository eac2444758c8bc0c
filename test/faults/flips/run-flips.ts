/**
 * Every bit of small data directories flipped in turn. Whatever the bit: nothing is served that was not
 * written, and what is not served is reported; a flip in a log is always noticed; what is lost is no
 * more than the batch that holds it, the queue whose log it is in, or, for the state log and
 * `millrace.json` that everything rests on, the opening is refused with its remedy.
 */

import { readBatchHeader } from "../../../src/embedded/log/format/batch-decoder.ts";
import { AT } from "../../../src/embedded/log/format/batch-layout.ts";
import { crc32c } from "../../../src/embedded/log/format/crc32c.ts";
import {
  EXTENDED_BYTES,
  readSlots,
  SLOT_BYTES,
} from "../../../src/embedded/log/format/group-boundary.ts";
import { within } from "../calls/life.ts";
import { lookAt, type Look } from "./look.ts";
import { diskOf, makeSamples, type Sample } from "./sample.ts";

export interface FlipsOptions {
  /** One of so many bits is flipped, from this one on. */
  readonly every: number;
  readonly from: number;
  /** Does wrong: the checksum of a batch follows its bytes, so that no reader can tell. */
  readonly checksumFollows?: boolean;
}

export interface FlipCounts {
  flips: number;
  atOpen: number;
  byVerify: number;
  byRead: number;
  harmless: number;
  wrong: number;
}

export interface FlipsResult {
  /** By kind of file. */
  readonly counts: ReadonlyMap<string, FlipCounts>;
  readonly broken: readonly string[];
}

const PADDING = "sidecar padding";

export async function runFlips(options: FlipsOptions): Promise<FlipsResult> {
  const counts = new Map<string, FlipCounts>();
  const broken: string[] = [];
  let number = 0;
  for (const sample of await makeSamples()) {
    const truth = await lookAt(diskOf(sample));
    for (const [path, bytes] of sample.files) {
      for (let bit = 0; bit < bytes.length * 8; bit++) {
        const kind = kindOf(path, bit >>> 3);
        if (kind === PADDING) continue;
        if (number++ % options.every !== options.from % options.every) continue;
        const own = counts.get(kind) ?? none();
        counts.set(kind, own);
        const law = await flipped(sample, truth, { path, bit, kind, options, counts: own });
        if (law !== undefined) broken.push(`${sample.name} ${path} bit ${bit}: ${law}`);
      }
      if (!path.endsWith(".groups")) continue;
      const own = counts.get(PADDING) ?? none();
      counts.set(PADDING, own);
      const law = await paddingFlipped(sample, truth, { path, options, counts: own });
      if (law !== undefined) broken.push(`${sample.name} ${path}, its padding: ${law}`);
    }
  }
  return { counts, broken };
}

function none(): FlipCounts {
  return { flips: 0, atOpen: 0, byVerify: 0, byRead: 0, harmless: 0, wrong: 0 };
}

function kindOf(path: string, at: number): string {
  if (path.endsWith(".groups")) return at % SLOT_BYTES < EXTENDED_BYTES ? "sidecar" : PADDING;
  if (path.endsWith(".producers")) return "producer snapshot";
  if (path.endsWith(".damage")) return "damage note";
  if (!path.endsWith(".log")) return path.slice(path.lastIndexOf("/") + 1);
  return `${path.split("/")[2]!.replace(/s$/, "")} log`;
}

interface Flip {
  readonly path: string;
  readonly bit: number;
  readonly kind: string;
  readonly options: FlipsOptions;
  readonly counts: FlipCounts;
}

/** The law that was broken. */
async function flipped(sample: Sample, truth: Look, flip: Flip): Promise<string | undefined> {
  const { path, bit, kind, counts } = flip;
  const disk = diskOf(sample);
  const { bytes } = disk.files.get(path)!;
  const range = kind.endsWith(" log") ? batchAt(bytes, bit >>> 3) : undefined;
  bytes[bit >>> 3]! ^= 1 << (bit & 7);
  if (flip.options.checksumFollows === true && range !== undefined) followed(bytes, range);
  counts.flips++;
  let look: Look;
  try {
    look = await within(lookAt(disk), "the end of a look");
  } catch (error) {
    return `no proper error: ${String(error instanceof Error ? error.stack : error)}`;
  }
  const atOpen = look.refused !== undefined || look.atOpen.length > truth.atOpen.length;
  const byVerify = look.problems.length > truth.problems.length;
  const more = look.refusals.length + look.reported.length - look.atOpen.length;
  const byRead = more > truth.refusals.length + truth.reported.length - truth.atOpen.length;
  const missing = [...truth.served.keys()].filter((key) => !look.served.has(key));
  const noticed = atOpen || byVerify || byRead;
  if (atOpen) counts.atOpen++;
  if (byVerify) counts.byVerify++;
  if (byRead && !atOpen && !byVerify) counts.byRead++;
  if (!noticed && missing.length === 0) counts.harmless++;

  const wrong = [...look.served].filter(([key, value]) => truth.served.get(key) !== value);
  if (wrong.length > 0) {
    counts.wrong++;
    return `served what was not written: ${wrong[0]!.join(" = ").slice(0, 200)}`;
  }
  if (missing.length > 0 && !noticed) return `lost and not reported: ${missing.join()}`;
  const known = kind === "stream log" && isKnown(sample, path, range);
  if (kind.endsWith(" log") && !noticed && !known) return "not noticed";
  return beyond(kind, { look, missing, range });
}

/**
 * Nothing reads what is behind the checksum of a slot, and there is sixty times as much of it as of all
 * else: so each bit of it is held to what the boundaries say, and all of it at once to a whole look.
 */
async function paddingFlipped(
  sample: Sample,
  truth: Look,
  { path, options, counts }: Pick<Flip, "path" | "options" | "counts">,
): Promise<string | undefined> {
  const disk = diskOf(sample);
  const { bytes } = disk.files.get(path)!;
  const told = JSON.stringify(readSlots(bytes));
  for (let bit = options.from % options.every; bit < bytes.length * 8; bit += options.every) {
    if (kindOf(path, bit >>> 3) !== PADDING) continue;
    counts.flips++;
    bytes[bit >>> 3]! ^= 1 << (bit & 7);
    if (JSON.stringify(readSlots(bytes)) !== told) return `bit ${bit} changes what is read`;
    bytes[bit >>> 3]! ^= 1 << (bit & 7);
    counts.harmless++;
  }
  for (let at = 0; at < bytes.length; at++) {
    if (kindOf(path, at) === PADDING) bytes[at]! ^= 0xff;
  }
  const look = await within(lookAt(disk), "the end of a look");
  const same = JSON.stringify([...look.served]) === JSON.stringify([...truth.served]);
  return same && look.refused === undefined ? undefined : "it changes what is served";
}

interface BatchRange {
  readonly position: number;
  readonly nextPosition: number;
  readonly firstOffset: number;
  readonly nextOffset: number;
}

function batchAt(bytes: Uint8Array, at: number): BatchRange | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let position = 0; position < buffer.length;) {
    const header = readBatchHeader(buffer, position);
    if (header === undefined) return undefined;
    const nextPosition = position + header.bytes;
    const { baseOffset: firstOffset, nextOffset } = header;
    if (at < nextPosition) return { position, nextPosition, firstOffset, nextOffset };
    position = nextPosition;
  }
  return undefined;
}

function followed(bytes: Uint8Array, { position, nextPosition }: BatchRange): void {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const crc = crc32c(buffer, position + AT.attributes, nextPosition);
  buffer.writeUInt32BE(crc, position + AT.crc);
}

/** The batch is noted as damaged already. */
function isKnown({ files }: Sample, path: string, range: BatchRange | undefined): boolean {
  const note = files.get(path.replace(/log$/, "damage"));
  if (note === undefined || range === undefined) return false;
  const { ranges }: { ranges: BatchRange[] } = JSON.parse(Buffer.from(note).toString());
  return ranges.some(({ position }) => position === range.position);
}

/** What is lost beyond what may be. */
function beyond(
  kind: string,
  {
    look: { refused, served },
    missing,
    range,
  }: {
    readonly look: Look;
    readonly missing: readonly string[];
    readonly range: BatchRange | undefined;
  },
): string | undefined {
  if (refused !== undefined) {
    const rests = ["state log", "millrace.json", "damage note"].includes(kind);
    return rests ? undefined : `the opening is refused with ${refused}`;
  }
  const within = (key: string): boolean => {
    const [what, number] = key.split(" ");
    if (kind === "queue log") return what === "job" || what === "dead";
    if (kind !== "stream log" || range === undefined) return false;
    // Without its marker nobody knows how a transaction ended: its records are there, and withheld.
    if (what === "record" && served.has(`batch ${number}`)) return true;
    return Number(number) >= range.firstOffset && Number(number) < range.nextOffset;
  };
  const lost = missing.filter((key) => !within(key));
  return lost.length === 0 ? undefined : `lost beyond its batch: ${lost.join()}`;
}
