/**
 * A response body made of items that come one by one.
 *
 * The next item is asked for when the connection takes more, so a slow reader slows the source, all
 * the way to the log. When the reader goes away, or the door stops, the source's signal aborts. A
 * failure in the middle cannot change the status any more: it becomes the last item, in the form's
 * own way, and the body ends in order, so that a reader can tell it from a cut connection.
 */

export interface StreamedBody<Item> {
  readonly items: (signal: AbortSignal) => AsyncIterable<Item>;
  readonly encode: (item: Item) => string;
  readonly encodeError: (error: unknown) => string;
  /** Sent at once, before the first item is there. */
  readonly opening?: string;
  /** Aborts when the door stops. */
  readonly stopping: AbortSignal;
}

export function streamedBody<Item>({
  items,
  encode,
  encodeError,
  opening,
  stopping,
}: StreamedBody<Item>): ReadableStream<Uint8Array> {
  const left = new AbortController();
  const iterator = items(AbortSignal.any([left.signal, stopping]))[Symbol.asyncIterator]();
  const bytes = new TextEncoder();

  const nextText = async (): Promise<{ text?: string; last: boolean }> => {
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
        const { text, last } = await nextText();
        if (left.signal.aborted) return;
        if (text !== undefined) controller.enqueue(bytes.encode(text));
        if (last) controller.close();
      },
      async cancel() {
        left.abort();
        await iterator.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}
