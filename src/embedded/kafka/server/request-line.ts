/**
 * The requests of one connection: begun in the order in which they came, answered in that order.
 *
 * Kafka answers one request of a connection before it begins the next. Here produce requests may be
 * under way together, because each waits for a sync and one sync serves them all; their appends keep
 * their order: each is made before its handler first waits, or waits in line for its partition
 * (`handlers/append-order.ts`). Every other request runs alone: it sees what those before it did.
 *
 * *waiting* requests have not begun, *begun* ones have; both are bounded, and `full` asks the
 * connection not to read on. An answer leaves when all before it have left.
 */

/** What a request comes to: the bytes of its answer, or undefined where none is wanted. */
export type Reply = readonly Buffer[] | undefined;

export interface LineRequest {
  /** May be under way together with others of its kind. */
  readonly overlaps: boolean;
  /** May wait long for what others do: a stop does not wait for it. */
  readonly parks: boolean;
  /** What it holds until it is answered: of what is decoded into objects a multiple of its length. */
  readonly bytes: number;
  /** What it costs, where the smallest costs 1. */
  readonly weight: number;
  /** Never rejects: a request that fails is answered, or ends the connection by itself. */
  run(): Promise<Reply>;
}

interface Begun {
  readonly request: LineRequest;
  done: boolean;
  reply: Reply;
}

export interface LineOptions {
  readonly begunMax: number;
  readonly requestsMax: number;
  readonly requestBytesMax: number;
  /** Asked before each request; after a no, `proceed` is called when it may be a yes. */
  readonly mayBegin: (request: LineRequest) => boolean;
  /** Takes the answer of a request, undefined where it has none. */
  readonly settled: (reply: Reply) => void;
}

export class RequestLine {
  readonly #options: LineOptions;
  readonly #waiting: LineRequest[] = [];
  readonly #begun: Begun[] = [];
  #bytes = 0;
  #beginning = false;
  #ended = false;
  #stopped: (() => void) | undefined;

  constructor(options: LineOptions) {
    this.#options = options;
  }

  get empty(): boolean {
    return this.#waiting.length + this.#begun.length === 0;
  }

  get full(): boolean {
    const { requestsMax, requestBytesMax } = this.#options;
    const count = this.#waiting.length + this.#begun.length;
    return count >= requestsMax || this.#bytes >= requestBytesMax;
  }

  /** What requests hold that have not been answered. */
  get bytes(): number {
    return this.#bytes;
  }

  push(request: LineRequest): void {
    this.#waiting.push(request);
    this.#bytes += request.bytes;
    this.proceed();
  }

  /** Begins what may begin. */
  proceed(): void {
    // What runs may end at once, and so come here again.
    if (this.#beginning) return;
    this.#beginning = true;
    while (!this.#ended && this.#mayBegin()) this.#begin(this.#waiting.shift()!);
    this.#beginning = false;
  }

  /** Begins nothing more; resolves when all that have begun are answered, but for those that park. */
  stop(): Promise<void> {
    for (const { bytes } of this.#waiting.splice(0)) this.#bytes -= bytes;
    return new Promise((resolve) => {
      this.#stopped = resolve;
      this.#tellStopped();
    });
  }

  /** Begins nothing more and answers nothing more. */
  end(): void {
    this.#ended = true;
    this.#waiting.length = 0;
    this.#stopped?.();
  }

  #mayBegin(): boolean {
    const next = this.#waiting[0];
    if (next === undefined) return false;
    const { length } = this.#begun;
    const together =
      next.overlaps && this.#begun[0]?.request.overlaps === true && length < this.#options.begunMax;
    return (length === 0 || together) && this.#options.mayBegin(next);
  }

  #begin(request: LineRequest): void {
    const begun: Begun = { request, done: false, reply: undefined };
    this.#begun.push(begun);
    void request.run().then((reply) => {
      begun.done = true;
      begun.reply = reply;
      this.#settle();
    });
  }

  #settle(): void {
    while (this.#begun[0]?.done === true) {
      const { reply, request } = this.#begun.shift()!;
      this.#bytes -= request.bytes;
      if (!this.#ended) this.#options.settled(reply);
    }
    this.proceed();
    this.#tellStopped();
  }

  #tellStopped(): void {
    // What parks runs alone, so nothing waits behind it.
    if (this.#begun.every(({ request }) => request.parks)) this.#stopped?.();
  }
}
