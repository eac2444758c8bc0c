/**
 * Waiting until a part has seen what a position token names.
 *
 * A part has seen a place when its input of the partition that the place lies in has settled it: handled
 * it, parked it, or passed over it because nobody there wants it. Inputs of this process tell that from
 * memory and at once; those of other processes are asked for in the store, again and again. A place
 * that no input of the part can meet is no reason to wait.
 */

import type { Streams } from "../../broker/streams.ts";
import { delay } from "../../model/clock.ts";
import { MillraceError } from "../../model/errors.ts";
import { isFinished, laneKey } from "../../store/progress.ts";
import type { InboxMark } from "../../store/write-set.ts";
import type { ChangeSignal } from "../running/settling.ts";
import { EVENTS_INPUT } from "../source/event-input.ts";
import type { PartRuntime } from "../source/part-runtime.ts";
import { decodeToken, type WrittenPlace } from "./position-token.ts";

export interface SeenOptions {
  /** A position token: what it names must have been seen. */
  readonly notBefore?: string;
  /** 10,000 unless said. */
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
}

/** A place as one input can meet it: at an offset of its log, or by the place in a lane. */
interface Meeting {
  readonly input: string;
  readonly at: { readonly offset: number } | { readonly mark: InboxMark };
  readonly key: string | undefined;
}

const DEADLINE_MS = 10_000;
/** How often the store is asked about inputs of other processes. */
const LOOK_MS = 50;

/**
 * Resolves when the part has seen everything that the token names. `document` is what is going to be
 * read, if it is one.
 *
 * Throws BAD_ARGUMENT for what is no token, PARKED where what was written is parked with the document's
 * key, DEADLINE where it was not seen in time.
 */
export async function untilSeen(
  runtime: PartRuntime,
  changes: ChangeSignal,
  { notBefore, deadlineMs = DEADLINE_MS, signal }: SeenOptions,
  document?: string,
): Promise<void> {
  if (notBefore === undefined) return;
  const places = decodeToken(notBefore);
  const { clock } = runtime.environment;
  const deadline = new AbortController();
  const timer = clock.after(deadlineMs, () => deadline.abort(notSeen(runtime, deadlineMs)));
  const ended = signal === undefined ? deadline.signal : AbortSignal.any([deadline.signal, signal]);
  try {
    for (const place of places) {
      const meeting = await meetingOf(runtime, place, ended);
      if (meeting === undefined) continue;
      await untilMet(runtime, changes, meeting, ended);
      await refuseParked(runtime, meeting, document);
    }
  } finally {
    timer.cancel();
  }
}

/** Where the part meets the place; undefined where it never does. */
async function meetingOf(
  runtime: PartRuntime,
  place: WrittenPlace,
  ended: AbortSignal,
): Promise<Meeting | undefined> {
  const { service, part } = runtime;
  if (place.kind === "event") {
    if (place.service !== service || part.fromStore === undefined) return undefined;
    const offset = await sequenceOf(runtime, place, ended);
    return { input: EVENTS_INPUT, at: { offset }, key: undefined };
  }
  const reads = part.from.some(({ kind, name }) => kind === "stream" && name === place.stream);
  if (!reads) return undefined;
  if (place.kind === "record") {
    const input = `${place.stream}/${place.partition}`;
    return { input, at: { offset: place.offset }, key: undefined };
  }
  const { source, epoch, lane, sequence, stream, key } = place;
  const partition = await streamsOf(runtime).partitionOf(stream, key);
  const mark = { source, epoch, lane, sequence };
  return { input: `${stream}/${partition}`, at: { mark }, key };
}

/** A store that was restored from a backup may not have the event any more: then it is waited for. */
async function sequenceOf(
  { store, environment }: PartRuntime,
  { entity, version }: Extract<WrittenPlace, { readonly kind: "event" }>,
  ended: AbortSignal,
): Promise<number> {
  for (;;) {
    const [event] = await store.readEntity(entity, { after: version - 1, limit: 1 });
    if (event !== undefined) return event.sequence;
    await delay(environment.clock, LOOK_MS, ended);
  }
}

async function untilMet(
  runtime: PartRuntime,
  changes: ChangeSignal,
  meeting: Meeting,
  ended: AbortSignal,
): Promise<void> {
  for (;;) {
    const input = runtime.inputs.get(meeting.input);
    if (input === undefined) {
      if (await isMetElsewhere(runtime, meeting)) return;
      await delay(runtime.environment.clock, LOOK_MS, ended);
      continue;
    }
    const { at } = meeting;
    const met = "mark" in at ? input.engine.hasSettled(at.mark) : input.hasFinished?.(at.offset);
    if (met === true) return;
    await changes.next(ended);
  }
}

async function isMetElsewhere(
  { store, part }: PartRuntime,
  { input, at }: Meeting,
): Promise<boolean> {
  const { progress, lanes } = await store.readProgress(part.consumer, input);
  if ("offset" in at) return progress !== undefined && isFinished(progress, at.offset);
  const lane = lanes.get(laneKey(at.mark));
  const { sequence } = at.mark;
  return lane !== undefined && sequence <= lane.high && !lane.holes.includes(sequence);
}

async function refuseParked(
  { inputs, store, part }: PartRuntime,
  { input, key }: Meeting,
  document: string | undefined,
): Promise<void> {
  const keys = [document, key].filter((each) => each !== undefined);
  if (keys.length === 0) return;
  const running = inputs.get(input);
  const parked =
    running === undefined
      ? await store.parkedKeys(part.consumer, input)
      : { has: (each: string) => running.engine.hasParked(each) };
  const found = keys.find((each) => parked.has(each));
  if (found === undefined) return;
  throw new MillraceError(
    "PARKED",
    `what ${part.name} is asked to have seen is parked, or waits behind a parked message, under the key "${found}"; redrive it, then read again`,
    { details: { part: part.name, input, key: found } },
  );
}

function notSeen({ part }: PartRuntime, deadlineMs: number): MillraceError {
  return new MillraceError(
    "DEADLINE",
    `${part.name} did not see within ${deadlineMs} ms what the token names; allow more time, or read without a token`,
    { details: { part: part.name, deadlineMs } },
  );
}

function streamsOf({ streams, part }: PartRuntime): Streams {
  if (streams !== undefined) return streams;
  throw new MillraceError(
    "CAPABILITY_MISSING",
    `${part.name} reads streams, and no broker has any`,
  );
}
