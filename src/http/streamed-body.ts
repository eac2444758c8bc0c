/**
 * A response body made of items that come one by one.
 *
 * The next item is asked for when the connection takes more, so a slow reader slows the source, all
 * the way to the log. When the reader goes away, or the door stops, the source's signal aborts. A
 * failure in the middle cannot change the status any more: it becomes the last item, in the form's
 * own way, and the body ends in order, so that a reader can tell it from a cut connection.
 *
 * Where no item comes for a while, a sign of life goes out. It keeps what stands between from cutting
 * a quiet connection; and since a reader that is stuck takes none, its connection falls silent and the
 * server ends it.
 */

import type { Clock } from "../model/clock.ts";

export interface StreamedBody<Item> {
  readonly items: (signal: AbortSignal) => AsyncIterable<Item>;
  readonly encode: (item: Item) => string;
  readonly encodeError: (error: unknown) => string;
  /** Sent at once, before the first item is there. */
  readonly opening?: string;
  readonly heartbeat?: Heartbeat;
  /** Aborts when the door stops. */
  readonly stopping: AbortSignal;
}

export interface Heartbeat {
  readonly text: string;
  readonly everyMs: number;
  readonly clock: Clock;
}

interface Next {
  readonly text?: string;
  readonly last: boolean;
}

export function streamedBody<Item>({
  items,
  encode,
  encodeError,
  opening,
  heartbeat,
  stopping,
}: StreamedBody<Item>): ReadableStream<Uint8Array> {
  const left = new AbortController();
  const iterator = items(AbortSignal.any([left.signal, stopping]))[Symbol.asyncIterator]();
  const bytes = new TextEncoder();
  /** Asked for, and outlasting the signs of life that go out before it comes. */
  let asked: Promise<Next> | undefined;

  const next = async (): Promise<Next> => {
    try {
      const result = await iterator.next();
      return result.done === true ? { last: true } : { text: encode(result.value), last: false };
    } catch (error) {
      return { text: encodeError(error), last: true };
    }
  };

  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        if (opening !== undefined) controller.enqueue(bytes.encode(opening));
      },
      async pull(controller) {
        asked ??= next();
        const come = await (heartbeat === undefined ? asked : orQuiet(asked, heartbeat));
        if (left.signal.aborted) return;
        if (come === undefined) {
          controller.enqueue(bytes.encode(heartbeat!.text));
          return;
        }
        asked = undefined;
        if (come.text !== undefined) controller.enqueue(bytes.encode(come.text));
        if (come.last) controller.close();
      },
      async cancel() {
        left.abort();
        await iterator.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}

/** Undefined when nothing came in time. */
function orQuiet(asked: Promise<Next>, { clock, everyMs }: Heartbeat): Promise<Next | undefined> {
  return new Promise((resolve) => {
    const timer = clock.after(everyMs, () => resolve(undefined));
    void asked.then((come) => {
      timer.cancel();
      resolve(come);
    });
  });
}
